#include "harness/kernel/procmap.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/kernel/child_test.h"

#define PAGE ((size_t)4096)

static int open_maps(void)
{
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	if (procmap_probe(fd) == -ENOTSUP)
		CHILD_SKIP("no PROCMAP_QUERY (before 6.11)");
	CHECK_EQ(procmap_probe(fd), 0);
	return fd;
}

static uintptr_t map(size_t pages, int prot, int flags)
{
	void *p = mmap(NULL, pages * PAGE, prot, flags | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return (uintptr_t)p;
}

CHILD_TEST(finds_the_vma_at_an_address_or_the_next)
{
	int fd = open_maps();
	uintptr_t p = map(8, PROT_READ | PROT_WRITE, MAP_SHARED);
	struct procmap_vma v;

	for (size_t i = 0; i < 8; i++) {
		CHECK_EQ(procmap_at_or_above(fd, p + i * PAGE + 7, &v), 0);
		CHECK_EQ(v.start, p);
		CHECK_EQ(v.end, p + 8 * PAGE);
		CHECK_EQ(v.flags, VMA_FLAG_READ | VMA_FLAG_WRITE | VMA_FLAG_SHARED);
	}
	CHECK_EQ(munmap((void *)(p + PAGE), PAGE), 0);
	CHECK_EQ(procmap_at_or_above(fd, p + PAGE, &v), 0);
	CHECK_EQ(v.start, p + 2 * PAGE);
}

CHILD_TEST(tells_protection)
{
	static const struct {
		int prot;
		uint32_t flags;
	} rows[] = {
		{PROT_NONE, 0},
		{PROT_READ, VMA_FLAG_READ},
		{PROT_READ | PROT_EXEC, VMA_FLAG_READ | VMA_FLAG_EXEC},
		{PROT_READ | PROT_WRITE, VMA_FLAG_READ | VMA_FLAG_WRITE},
	};
	int fd = open_maps();
	struct procmap_vma v;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uintptr_t p = map(1, rows[i].prot, MAP_PRIVATE);

		CHECK_EQ(procmap_at_or_above(fd, p, &v), 0);
		CHECK_EQ(v.flags, rows[i].flags);
	}
}

/* [vsyscall], which is a line of the text, is no VMA. */
CHILD_TEST(above_all_there_is_none)
{
	int fd = open_maps();
	struct procmap_vma v = {1, 2, 3}, last = {0};

	while (procmap_at_or_above(fd, last.end, &v) == 0)
		last = v;
	errno = 99;
	CHECK_EQ(procmap_at_or_above(fd, last.end, &v), -ENOENT);
	CHECK_EQ(errno, 99);
	CHECK_EQ(v.end, last.end); /* as it was */
	CHECK(last.end < (uintptr_t)1 << 63);
}

static void not_offered_is_told(void **state)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(procmap_probe(fd), -ENOTSUP);
	close(fd);
	assert_int_equal(procmap_probe(fd), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_vma_at_an_address_or_the_next),
		cmocka_unit_test(tells_protection),
		cmocka_unit_test(above_all_there_is_none),
		cmocka_unit_test(not_offered_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
