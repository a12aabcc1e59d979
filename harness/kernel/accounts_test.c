#include "harness/kernel/accounts.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "harness/kernel/accounts_fixture.h"

#define ANON   (MAP_PRIVATE | MAP_ANONYMOUS)
#define SHARED (MAP_SHARED | MAP_ANONYMOUS)
#define RW     (PROT_READ | PROT_WRITE)

CHILD_TEST(starts_with_nothing_but_the_break)
{
	accounts_setup();
	struct snapshot s = take();
	struct span heap;

	CHECK_EQ(accounts_break(acc, &heap), 0);
	CHECK_EQ(s.maps, heap.end > heap.start);
	CHECK_EQ(s.mapped_bytes, heap.end - heap.start);
	CHECK_EQ(s.total_maps, count_lines());
	CHECK(s.rss_bytes >= 0 && s.rss_bytes <= s.mapped_bytes);
}

/* map n, touch k, unmap j: every number follows by arithmetic, again and again. */
CHILD_TEST(map_touch_unmap)
{
	accounts_setup();
	struct snapshot start = take();

	for (size_t n = 1; n < 100; n += 7) {
		size_t k = n / 2 + 1, j = n / 3;
		unsigned char *p = map_pages(n, RW, ANON);

		CHECK_CHANGE(&start, 1, n, 0);
		touch_pages(p, k);
		CHECK_CHANGE(&start, 1, n, k);
		if (j)
			CHECK_EQ(munmap(p, j * PAGE), 0);
		CHECK_CHANGE(&start, 1, n - j, k - j);
		CHECK_EQ(munmap(p + j * PAGE, (n - j) * PAGE), 0);
		CHECK_CHANGE(&start, 0, 0, 0);
	}
}

CHILD_TEST(holes_in_a_mapping)
{
	enum { N = 300 };
	accounts_setup();
	struct snapshot start = take();
	unsigned char *p = map_pages(2 * N, RW, ANON);

	touch_pages(p, 2 * N);
	for (size_t i = 0; i < N; i++)
		CHECK_EQ(munmap(p + 2 * i * PAGE, PAGE), 0);
	CHECK_CHANGE(&start, N, N, N);
	CHECK_EQ(munmap(p, 2 * N * PAGE), 0);
	CHECK_CHANGE(&start, 0, 0, 0);
}

CHILD_TEST(protections_split_and_count)
{
	accounts_setup();
	struct snapshot start = take();
	unsigned char *p = map_pages(10, PROT_NONE, ANON);

	CHECK_CHANGE(&start, 1, 10, 0);
	CHECK_EQ(mprotect(p + 4 * PAGE, PAGE, RW), 0);
	CHECK_CHANGE(&start, 3, 10, 0);
	touch_pages(p + 4 * PAGE, 1);
	CHECK_EQ(mprotect(p + 4 * PAGE, PAGE, PROT_NONE), 0);
	CHECK_EQ(take().rss_bytes - start.rss_bytes, PAGE); /* resident all the same */
	CHECK_EQ(munmap(p, 10 * PAGE), 0);
	CHECK_CHANGE(&start, 0, 0, 0);
}

static void check_source(int flags, int fd, size_t pages)
{
	struct snapshot start = take();
	unsigned char *p = mmap(NULL, pages * PAGE, RW, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	CHECK_CHANGE(&start, 1, pages, 0);
	touch_pages(p, pages / 2);
	CHECK_CHANGE(&start, 1, pages, pages / 2);
	CHECK_EQ(munmap(p, pages * PAGE), 0);
	CHECK_CHANGE(&start, 0, 0, 0);
}

CHILD_TEST(every_source_of_memory)
{
	accounts_setup();
	int zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
	int memfd = memfd_create("test", MFD_CLOEXEC);

	CHECK(zero >= 0 && memfd >= 0);
	CHECK_EQ(ftruncate(memfd, 64 * PAGE), 0);
	for (int round = 0; round < 3; round++) {
		check_source(ANON, -1, 20);
		check_source(ANON | MAP_NORESERVE, -1, 20);
		check_source(SHARED, -1, 20);
		check_source(MAP_PRIVATE, zero, 20);
		check_source(MAP_SHARED, zero, 20);
		check_source(MAP_PRIVATE, memfd, 20);
	}
}

/*
 * Faulting a page of a shared file maps neighbours too that are in the page cache already. The
 * first round only makes the harness's own pages resident.
 */
CHILD_TEST(shared_file_pages_as_the_kernel_counts_them)
{
	accounts_setup();
	int memfd = memfd_create("test", MFD_CLOEXEC);

	CHECK_EQ(ftruncate(memfd, 64 * PAGE), 0);
	for (int round = 0; round < 3; round++) {
		struct snapshot start = take();
		int64_t rss = rollup("Rss:");
		unsigned char *p = mmap(NULL, 64 * PAGE, RW, MAP_SHARED, memfd, 0);

		CHECK(p != MAP_FAILED);
		touch_pages(p, 64);
		CHECK_CHANGE(&start, 1, 64, 64);
		if (round)
			CHECK_EQ(rollup("Rss:") - rss, 64 * PAGE);
		CHECK_EQ(munmap(p, 64 * PAGE), 0);
	}
}

CHILD_TEST(zero_pages_are_not_resident)
{
	accounts_setup();
	struct snapshot start = take();
	unsigned char *p = map_pages(50, RW, ANON);

	for (size_t i = 0; i < 50; i++)
		CHECK_EQ(((volatile unsigned char *)p)[i * PAGE], 0);
	CHECK_CHANGE(&start, 1, 50, 0);
	touch_pages(p + 10 * PAGE, 7);
	CHECK_CHANGE(&start, 1, 50, 7);
	CHECK_EQ(madvise(p, 50 * PAGE, MADV_DONTNEED), 0);
	CHECK_CHANGE(&start, 1, 50, 0);
}

/* More regions than one scan returns. */
CHILD_TEST(thousands_of_single_pages)
{
	enum { N = 5000 };
	accounts_setup();
	struct snapshot start = take();
	unsigned char *p = map_pages(2 * N, RW, ANON);

	CHECK_EQ(madvise(p, 2 * N * PAGE, MADV_NOHUGEPAGE), 0);
	for (size_t i = 0; i < N; i++)
		touch_pages(p + 2 * i * PAGE, 1);
	CHECK_CHANGE(&start, 1, 2 * N, N);
}

CHILD_TEST(break_is_owned)
{
	accounts_setup();
	struct snapshot start = take();
	uintptr_t end = (uintptr_t)syscall(SYS_brk, 0);

	end = (end + PAGE - 1) & -PAGE;
	CHECK_EQ((uintptr_t)syscall(SYS_brk, end), end);
	start = take();
	CHECK_EQ((uintptr_t)syscall(SYS_brk, end + 10 * PAGE), end + 10 * PAGE);
	touch_pages((unsigned char *)end, 3);
	struct snapshot now = take();

	CHECK_EQ(now.mapped_bytes - start.mapped_bytes, 10 * PAGE);
	CHECK_EQ(now.rss_bytes - start.rss_bytes, 3 * PAGE);
	CHECK_EQ((uintptr_t)syscall(SYS_brk, end), end);
	CHECK_CHANGE(&start, 0, 0, 0);
}

CHILD_TEST(partly_excluded_mapping)
{
	accounts_setup();
	struct snapshot start = take();
	uintptr_t p = (uintptr_t)map_pages(10, RW, ANON);

	touch_pages((unsigned char *)p, 10);
	CHECK_EQ(accounts_exclude(acc, p + 3 * PAGE + 5, p + 5 * PAGE - 5), 0);
	CHECK_CHANGE(&start, 1, 8, 8);
	CHECK_EQ(accounts_exclude(acc, p, p + 10 * PAGE), 0);
	struct snapshot now = take();

	CHECK_EQ(now.maps, start.maps);
	CHECK_EQ(now.mapped_bytes, start.mapped_bytes);
	CHECK_EQ(now.rss_bytes, start.rss_bytes);
	CHECK_EQ(now.total_maps, start.total_maps + 1);
	CHECK_EQ(accounts_exclude(acc, p, p), -EINVAL);
	CHECK_EQ(accounts_exclude(acc, p, UINTPTR_MAX), -EINVAL);
}

/* What is asked of one range, in a reservation that nobody else maps into. */
CHILD_TEST(what_is_mapped_now)
{
	struct accounts_mapped m;

	accounts_setup();
	uintptr_t p = (uintptr_t)map_pages(10, PROT_NONE, ANON);
	int err = accounts_mapped(acc, p, p + 10 * PAGE, &m);

	if (err == -ENOTSUP) /* before Linux 6.11 */
		return;
	CHECK_EQ(err, 0);
	CHECK_EQ(m.start, p);
	CHECK_EQ(m.end, p + 10 * PAGE);
	CHECK(!m.excluded);
	CHECK_EQ(munmap((void *)(p + 2 * PAGE), 3 * PAGE), 0);
	CHECK_EQ(accounts_mapped(acc, p + 2 * PAGE, p + 5 * PAGE, &m), -ENOENT);
	CHECK_EQ(accounts_mapped(acc, p + PAGE, p + 7 * PAGE, &m), 0);
	CHECK_EQ(m.start, p + PAGE);
	CHECK_EQ(m.end, p + 2 * PAGE);
	CHECK_EQ(accounts_mapped(acc, p + 2 * PAGE, p + 7 * PAGE, &m), 0);
	CHECK_EQ(m.start, p + 5 * PAGE);
	CHECK_EQ(m.end, p + 7 * PAGE);
	CHECK_EQ(accounts_exclude(acc, p + 6 * PAGE, p + 7 * PAGE), 0);
	CHECK_EQ(accounts_mapped(acc, p + 2 * PAGE, p + 7 * PAGE, &m), 0);
	CHECK(m.excluded);
	CHECK_EQ(accounts_mapped(acc, p + 2 * PAGE, p + 6 * PAGE, &m), 0);
	CHECK(!m.excluded);
}

/* Deep recursion grows the stack; it is the harness's. */
static int __attribute__((noinline)) deep(int n)
{
	volatile char frame[4096];

	frame[0] = (char)n;
	return n ? deep(n - 1) + frame[0] : 0;
}

CHILD_TEST(stack_may_grow)
{
	accounts_setup();
	struct snapshot start = take();

	deep(500);
	CHECK_CHANGE(&start, 0, 0, 0);
}

/* The scan and smaps_rollup are different code in the kernel; all that is resident, in both. */
CHILD_TEST(scan_agrees_with_rollup)
{
	accounts_setup();
	unsigned char *p = map_pages(1000, RW, ANON);

	touch_pages(p, 700);
	for (int tries = 0; tries < 100; tries++) {
		struct exclusions none = {0};
		struct resident r = {0};
		int64_t before = rollup("Rss:");

		CHECK_EQ(pagemap_count(&acc->pagemap, &acc->maps, &none, &r), 0);
		int64_t after = rollup("Rss:");

		if (before == after) {
			CHECK_EQ(r.pages * PAGE, after);
			return;
		}
	}
	CHECK(!"the process never stood still");
}

CHILD_TEST(reading_agrees_with_scan)
{
	accounts_setup();
	if (acc->pagemap.method != RSS_PAGEMAP_SCAN)
		CHILD_SKIP("no PAGEMAP_SCAN");
	unsigned char *p = map_pages(40000, RW, ANON);

	CHECK_EQ(madvise(p, 40000 * PAGE, MADV_NOHUGEPAGE), 0);
	for (size_t i = 0; i < 40000; i += 1 + i % 5)
		touch_pages(p + i * PAGE, 1);
	for (size_t i = 0; i < 40000; i += 3001)
		CHECK_EQ(munmap(p + i * PAGE, 3 * PAGE), 0);
	CHECK_EQ(mprotect(p + 5000 * PAGE, 100 * PAGE, PROT_NONE), 0);
	struct snapshot scanned = take();

	acc->pagemap.method = RSS_PAGEMAP;
	CHECK_EQ(accounts_rss_method(acc), RSS_PAGEMAP);
	CHECK_EQ(take().rss_bytes, scanned.rss_bytes);
	if (acc->pagemap.zero_pfn) {
		p = map_pages(100, RW, ANON);
		for (size_t i = 0; i < 100; i++)
			CHECK_EQ(((volatile unsigned char *)p)[i * PAGE], 0);
		CHECK_EQ(take().rss_bytes, scanned.rss_bytes);
	}
}

static atomic_bool enough;
static atomic_ulong rounds;

static void *map_and_unmap(void *ctx)
{
	for (size_t n = 1; !enough; n = n % 32 + 1) {
		unsigned char *p = map_pages(n, RW, ANON);

		touch_pages(p, n);
		if (n > 2) /* splits and joins */
			CHECK_EQ(mprotect(p + PAGE, PAGE, PROT_NONE), 0);
		CHECK_EQ(munmap(p, n * PAGE), 0);
		rounds++;
	}
	return ctx;
}

/* Background threads of an allocator map and unmap while the text is read in many pieces. */
CHILD_TEST(mappings_that_do_not_stand_still)
{
	enum { N = 2000 };
	pthread_t thread;

	accounts_setup();
	unsigned char *p = map_pages(2 * N, PROT_NONE, ANON | MAP_NORESERVE);

	for (size_t i = 0; i < N; i++)
		CHECK_EQ(mprotect(p + 2 * i * PAGE, PAGE, RW), 0);
	CHECK_EQ(pthread_create(&thread, NULL, map_and_unmap, NULL), 0);
	while (rounds < 32) /* what the thread itself needs is mapped by then */
		sched_yield();
	struct snapshot start = take();

	for (int i = 0; i < 100; i++) {
		struct snapshot now = take();

		CHECK(llabs(now.maps - start.maps) <= 6);
		CHECK(llabs(now.mapped_bytes - start.mapped_bytes) <= (int64_t)(64 * PAGE));
		CHECK(llabs(now.rss_bytes - start.rss_bytes) <= (int64_t)(64 * PAGE));
	}
	enough = true;
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

CHILD_TEST(guard_regions_are_mapped_only)
{
	accounts_setup();
	struct snapshot start = take();
	unsigned char *p = map_pages(10, RW, ANON);

	touch_pages(p, 10);
	if (madvise(p + 2 * PAGE, 3 * PAGE, MADV_GUARD_INSTALL) != 0)
		CHILD_SKIP("no guard regions (before 6.13)");
	CHECK_CHANGE(&start, 1, 10, 7);
	acc->pagemap.method = RSS_PAGEMAP;
	CHECK_CHANGE(&start, 1, 10, 7);
}

CHILD_TEST(without_pagemap_rss_is_not_told)
{
	accounts_setup();
	acc->pagemap.method = RSS_NONE;
	CHECK_EQ(take().rss_bytes, -1);
}

CHILD_TEST(only_what_is_asked)
{
	struct snapshot s;

	accounts_setup();
	CHECK_EQ(accounts_take(acc, SNAPSHOT_MAPS, &s), 0);
	CHECK(s.maps >= 0 && s.mapped_bytes >= 0 && s.total_maps > 0);
	CHECK(s.rss_bytes == -1 && s.anon_huge_bytes == -1 && s.lazyfree_bytes == -1);
	CHECK_EQ(accounts_take(acc, SNAPSHOT_RSS, &s), 0);
	CHECK(s.rss_bytes >= 0 && s.maps == -1 && s.lazyfree_bytes == -1);
	CHECK_EQ(accounts_take(acc, SNAPSHOT_ROLLUP, &s), 0);
	CHECK(s.anon_huge_bytes >= 0 && s.lazyfree_bytes >= 0 && s.rss_bytes == -1);
	CHECK(s.vmdata_bytes == -1 && s.locked_bytes == -1 && s.committed_bytes == -1);
	CHECK_EQ(accounts_take(acc, SNAPSHOT_STATUS, &s), 0);
	CHECK(s.vmdata_bytes > 0 && s.locked_bytes >= 0 && s.maps == -1);
	CHECK_EQ(s.committed_bytes, -1);
	CHECK_EQ(accounts_take(acc, SNAPSHOT_MACHINE, &s), 0);
	CHECK(s.committed_bytes > 0 && s.vmdata_bytes == -1);
}

#define CHECK_GREW(before, member, pages)                                                          \
	CHECK_EQ(take().member - (before)->member, (int64_t)((pages)*PAGE))

/* Private and writable is data, touched or not; read-only, shared and inaccessible is none. */
CHILD_TEST(vmdata_is_what_could_be_written_alone)
{
	accounts_setup();
	struct snapshot start = take();
	unsigned char *p = map_pages(100, RW, ANON);

	CHECK_GREW(&start, vmdata_bytes, 100);
	CHECK_EQ(mprotect(p + 10 * PAGE, 20 * PAGE, PROT_READ), 0);
	CHECK_GREW(&start, vmdata_bytes, 80);
	map_pages(50, PROT_NONE, ANON);
	map_pages(50, RW, SHARED);
	CHECK_GREW(&start, vmdata_bytes, 80);
	CHECK_EQ(munmap(p, 100 * PAGE), 0);
	CHECK_GREW(&start, vmdata_bytes, 0);
}

CHILD_TEST(locked_is_what_is_locked)
{
	accounts_setup();
	struct snapshot start = take();
	unsigned char *p = map_pages(8, RW, ANON);

	CHECK_GREW(&start, locked_bytes, 0);
	/* Not libc's: the sanitizers make nothing of it. */
	if (syscall(SYS_mlock, p, 4 * PAGE) != 0)
		CHILD_SKIP("mlock of four pages is not allowed");
	CHECK_GREW(&start, locked_bytes, 4);
	CHECK_EQ(syscall(SYS_munlock, p + PAGE, PAGE), 0);
	CHECK_GREW(&start, locked_bytes, 3);
	CHECK_EQ(munmap(p, 8 * PAGE), 0);
	CHECK_GREW(&start, locked_bytes, 0);
}

CHILD_TEST(without_meminfo_committed_is_not_told)
{
	accounts_setup();
	close(acc->fd[PROC_MEMINFO]);
	acc->fd[PROC_MEMINFO] = -1;
	CHECK_EQ(take().committed_bytes, -1);
}

/* The kernel marks pages in per-CPU batches, so the last few of them are not LazyFree yet. */
CHILD_TEST(lazyfree_beside_rss)
{
	accounts_setup();
	struct snapshot start = take();
	unsigned char *p = map_pages(1024, RW, ANON);

	CHECK_EQ(madvise(p, 1024 * PAGE, MADV_NOHUGEPAGE), 0);
	touch_pages(p, 1024);
	CHECK_EQ(madvise(p, 1024 * PAGE, MADV_FREE), 0);
	CHECK_CHANGE(&start, 1, 1024, 1024);
	int64_t lazy = take().lazyfree_bytes - start.lazyfree_bytes;

	CHECK(lazy > (int64_t)(512 * PAGE) && lazy <= (int64_t)(1024 * PAGE));
}

static void *until_read(void *arg)
{
	char byte;

	CHECK_EQ(read(*(int *)arg, &byte, 1), 0);
	return NULL;
}

CHILD_TEST(threads_are_counted)
{
	uint64_t threads = 0;
	pthread_t thread;
	int ends[2];

	accounts_setup();
	CHECK_EQ(accounts_threads(acc, &threads), 0);
	CHECK_EQ(threads, 1);
	CHECK_EQ(pipe(ends), 0);
	CHECK_EQ(pthread_create(&thread, NULL, until_read, &ends[0]), 0);
	CHECK_EQ(accounts_threads(acc, &threads), 0);
	CHECK_EQ(threads, 2);
	close(ends[1]);
	pthread_join(thread, NULL);
}

CHILD_TEST(statm_moves_with_mappings)
{
	uint64_t size, resident, size2, resident2;

	accounts_setup();
	CHECK_EQ(accounts_statm(acc, &size, &resident), 0);
	map_pages(1000, PROT_NONE, ANON);
	CHECK_EQ(accounts_statm(acc, &size2, &resident2), 0);
	CHECK_EQ(size2 - size, 1000);
	CHECK(resident > 0 && resident < size);
}

CHILD_TEST(fork_child_has_its_own)
{
	int status;

	accounts_setup();
	unsigned char *p = map_pages(100, RW, ANON);

	touch_pages(p, 100);
	struct snapshot before = take();
	pid_t pid = fork();

	if (pid == 0) {
		CHECK_EQ(munmap(p, 40 * PAGE), 0);
		CHECK_EQ(accounts_after_fork(acc), 0);
		CHECK_CHANGE(&before, 0, -40, -40);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_CHANGE(&before, 0, 0, 0);
}

CHILD_TEST(descriptors_are_closed)
{
	int first = dup(0);

	close(first);
	CHECK_EQ(arena_init(&arena, accounts_arena_bytes()), 0);
	CHECK_EQ(accounts_new(&arena, &acc), 0);
	CHECK_EQ(accounts_after_fork(acc), 0);
	accounts_free(acc);
	accounts_free(NULL);
	CHECK_EQ(dup(0), first);
}

CHILD_TEST(small_arena_is_refused)
{
	for (size_t size = PAGE; size < 1024 * PAGE; size += 16 * PAGE) {
		CHECK_EQ(arena_init(&arena, size), 0);
		int err = accounts_new(&arena, &acc);

		if (!err) {
			CHECK(size <= accounts_arena_bytes());
			return;
		}
		CHECK_EQ(err, -ENOMEM);
		CHECK(!acc);
		arena_release(&arena);
	}
	CHECK(!"no arena is large enough");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_with_nothing_but_the_break),
		cmocka_unit_test(map_touch_unmap),
		cmocka_unit_test(holes_in_a_mapping),
		cmocka_unit_test(protections_split_and_count),
		cmocka_unit_test(every_source_of_memory),
		cmocka_unit_test(shared_file_pages_as_the_kernel_counts_them),
		cmocka_unit_test(zero_pages_are_not_resident),
		cmocka_unit_test(thousands_of_single_pages),
		cmocka_unit_test(break_is_owned),
		cmocka_unit_test(partly_excluded_mapping),
		cmocka_unit_test(what_is_mapped_now),
		cmocka_unit_test(stack_may_grow),
		cmocka_unit_test(scan_agrees_with_rollup),
		cmocka_unit_test(reading_agrees_with_scan),
		cmocka_unit_test(mappings_that_do_not_stand_still),
		cmocka_unit_test(guard_regions_are_mapped_only),
		cmocka_unit_test(without_pagemap_rss_is_not_told),
		cmocka_unit_test(only_what_is_asked),
		cmocka_unit_test(vmdata_is_what_could_be_written_alone),
		cmocka_unit_test(locked_is_what_is_locked),
		cmocka_unit_test(without_meminfo_committed_is_not_told),
		cmocka_unit_test(lazyfree_beside_rss),
		cmocka_unit_test(threads_are_counted),
		cmocka_unit_test(statm_moves_with_mappings),
		cmocka_unit_test(fork_child_has_its_own),
		cmocka_unit_test(descriptors_are_closed),
		cmocka_unit_test(small_arena_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
