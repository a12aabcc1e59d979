/* Where machines differ: huge pages, a full map table, /proc missing, descriptors out. */
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "harness/kernel/accounts_fixture.h"

#define HUGE_BYTES ((size_t)2 << 20)
#define ANON	   (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW	   (PROT_READ | PROT_WRITE)

/* A 2 MiB range on a 2 MiB boundary, inside a mapping of its own. */
static unsigned char *huge_range(void)
{
	uintptr_t p = (uintptr_t)map_pages(2 * HUGE_BYTES / PAGE, RW, ANON);

	p = (p + HUGE_BYTES - 1) & -HUGE_BYTES;
	if (madvise((void *)p, HUGE_BYTES, MADV_HUGEPAGE) != 0)
		CHILD_SKIP("no transparent huge pages");
	return (unsigned char *)p;
}

CHILD_TEST(huge_page_counts_its_small_ones)
{
	accounts_setup();
	struct snapshot start = take();

	touch_pages(huge_range(), 1);
	struct snapshot now = take();

	if (now.anon_huge_bytes == start.anon_huge_bytes)
		CHILD_SKIP("no huge page was to be had");
	CHECK_EQ(now.rss_bytes - start.rss_bytes, HUGE_BYTES);
	CHECK_EQ(now.anon_huge_bytes - start.anon_huge_bytes, HUGE_BYTES);
	CHECK_EQ(now.anon_huge_bytes, rollup("AnonHugePages:"));
}

CHILD_TEST(huge_zero_page_is_not_resident)
{
	accounts_setup();
	rollup("Rss:"); /* its own pages */
	unsigned char *p = huge_range();
	struct snapshot start = take();
	int64_t rss = rollup("Rss:");

	CHECK_EQ(*(volatile unsigned char *)p, 0);
	CHECK_EQ(rollup("Rss:"), rss);
	struct snapshot now = take();

	if (now.rss_bytes - start.rss_bytes == HUGE_BYTES)
		CHILD_SKIP("this kernel does not tell the huge zero page (before 6.17)");
	CHECK_EQ(now.rss_bytes, start.rss_bytes);
}

CHILD_TEST(hugetlb_is_mapped_but_not_resident)
{
	accounts_setup();
	struct snapshot start = take();
	unsigned char *p = mmap(NULL, HUGE_BYTES, RW, ANON | MAP_HUGETLB, -1, 0);

	if (p == MAP_FAILED)
		CHILD_SKIP("no hugetlb pages are set aside");
	touch_pages(p, 1);
	CHECK_CHANGE(&start, 1, HUGE_BYTES / PAGE, 0);
	acc->pagemap.method = RSS_PAGEMAP;
	CHECK_CHANGE(&start, 1, HUGE_BYTES / PAGE, 0);
}

CHILD_TEST(at_the_map_limit)
{
	accounts_setup();
	int64_t limit = accounts_max_map_count();
	struct snapshot start = take();

	CHECK(limit > 0);
	if (limit > 200000)
		CHILD_SKIP("max_map_count is too high to reach");
	size_t pages = 2 * (size_t)limit;
	unsigned char *p = map_pages(pages, PROT_NONE, ANON | MAP_NORESERVE);
	int64_t made = 0;

	while (mprotect(p + (2 * (size_t)made + 1) * PAGE, PAGE, RW) == 0)
		made++;
	CHECK_EQ(errno, ENOMEM);
	struct snapshot now = take();

	CHECK(made > limit / 3);
	CHECK(now.total_maps >= limit - 1 && now.total_maps <= limit + 1);
	CHECK_EQ(now.total_maps, count_lines());
	CHECK_EQ(now.maps - start.maps, now.total_maps - start.total_maps);
	CHECK_EQ(now.mapped_bytes - start.mapped_bytes, (int64_t)(pages * PAGE));
	CHECK_EQ(munmap(p, pages * PAGE), 0);
	CHECK_CHANGE(&start, 0, 0, 0);
}

/* In a mount namespace of its own with an empty /proc. */
CHILD_TEST(no_proc)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 && unshare(CLONE_NEWNS) != 0)
		CHILD_SKIP("no mount namespace to be had");
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("none", "/proc", "tmpfs", 0, NULL) != 0)
		CHILD_SKIP("no mounts to be had");
	CHECK_EQ(arena_init(&arena, accounts_arena_bytes()), 0);
	CHECK_EQ(accounts_new(&arena, &acc), -ENOENT);
	CHECK_EQ(accounts_max_map_count(), -ENOENT);
}

CHILD_TEST(out_of_descriptors)
{
	CHECK_EQ(arena_init(&arena, accounts_arena_bytes()), 0);
	int first = dup(0);

	close(first);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)first + 3, (rlim_t)first + 3}),
		 0);
	CHECK_EQ(accounts_new(&arena, &acc), -EMFILE);
	CHECK_EQ(dup(0), first); /* nothing was left open */
}

CHILD_TEST(max_map_count_is_the_sysctl)
{
	char text[64];
	const char *p = text;
	uint64_t value;
	int fd = proc_open("/proc/sys/vm/max_map_count");

	CHECK_EQ(proc_read(fd, text, sizeof(text)), 0);
	CHECK_EQ(proc_number(&p, &value), 0);
	CHECK_EQ(accounts_max_map_count(), value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(huge_page_counts_its_small_ones),
		cmocka_unit_test(huge_zero_page_is_not_resident),
		cmocka_unit_test(hugetlb_is_mapped_but_not_resident),
		cmocka_unit_test(at_the_map_limit),
		cmocka_unit_test(no_proc),
		cmocka_unit_test(out_of_descriptors),
		cmocka_unit_test(max_map_count_is_the_sysctl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
