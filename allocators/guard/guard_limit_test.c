/* Every byte goes back: after everything was freed, at the map limit, and when calls are refused.
 */
#include "allocators/guard/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "allocators/guard/test_work.h"

#define MIB	((size_t)1 << 20)
#define PER_MIB (MIB + 4096) /* mapped bytes of a slab, or of a block of 1 MiB */

static void test_mixed_work_drains(void **state)
{
	(void)state;
	work_mixed(200000, WORK_SLOTS);
}

/* Seven blocks of 128 KiB a slab, two maps a slab, and not one more on the way up or down. */
static void test_two_maps_a_slab(void **state)
{
	(void)state;
	for (size_t n = 0; n < 350; n++) {
		slots[n] = guard_malloc(sizes[n] = 128 << 10);
		slot_mark(n);
		size_t slabs = n / 7 + 1;

		assert_int_equal(maps_read().lines, at_start.lines + 2 * slabs);
		assert_int_equal(maps_read().bytes, at_start.bytes + slabs * PER_MIB);
	}
	for (size_t n = 0; n < 350; n++) {
		slot_free(n);
		size_t slabs = 50 - (n + 1) / 7;

		assert_int_equal(maps_read().lines, at_start.lines + 2 * slabs);
	}
}

static void test_two_maps_a_large_block(void **state)
{
	(void)state;
	for (size_t n = 0; n < 100; n++) {
		slots[n] = n % 2 ? guard_malloc(MIB) : guard_memalign(2 * MIB, MIB);
		assert_int_equal(maps_read().lines, at_start.lines + 2 * (n + 1));
		assert_int_equal(maps_read().bytes, at_start.bytes + (n + 1) * PER_MIB);
	}
	for (size_t n = 0; n < 100; n++)
		guard_free(slots[n * 37 % 100]);
	memset(slots, 0, sizeof(slots));
}

/*
 * A region whose every second page is opened until the kernel refuses, so that the table is full;
 * then some are closed again, and shared pages, which do not merge, make up the rest to a map.
 */
struct ballast {
	char *at;
	size_t len;
	void *single[8];
	size_t singles;
};

/* vm.max_map_count less the maps that count; [vsyscall] is a line, but counts for none. */
static ssize_t headroom_now(void)
{
	char text[32] = {0};
	int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return (ssize_t)strtoul(text, NULL, 10) - (ssize_t)(maps_read().lines - 1);
}

static void ballast_fill(struct ballast *b, size_t headroom)
{
	size_t page = 1;

	while (page * 4096 < b->len - 4096 && mprotect(b->at + page * 4096, 4096, PROT_READ) == 0)
		page += 2;
	if (page * 4096 >= b->len - 4096) {
		munmap(b->at, b->len);
		print_message("vm.max_map_count is beyond what this test fills\n");
		skip();
	}
	/* the last one may have been split once before it was refused */
	mprotect(b->at + page * 4096, b->len - page * 4096, PROT_NONE);
	for (size_t n = 0; n < headroom + 2; n += 2) {
		page -= 2;
		assert_int_equal(mprotect(b->at + page * 4096, 4096, PROT_NONE), 0);
	}
}

static struct ballast ballast_new(size_t headroom)
{
	struct ballast b = {.len = (size_t)200000 * 4096};

	b.at = mmap(NULL, b.len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(b.at, MAP_FAILED);
	ballast_fill(&b, headroom);
	for (ssize_t now = headroom_now(); now > (ssize_t)headroom; now--) {
		assert_true(b.singles < 8);
		void *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		assert_ptr_not_equal(p, MAP_FAILED);
		b.single[b.singles++] = p;
	}
	assert_int_equal(headroom_now(), headroom);
	return b;
}

static void ballast_end(struct ballast b)
{
	for (size_t i = 0; i < b.singles; i++)
		assert_int_equal(munmap(b.single[i], 4096), 0);
	assert_int_equal(munmap(b.at, b.len), 0);
}

/* What a malloc that returned NULL may not have had: room for two maps. */
static void expect_no_two_maps(void)
{
	char *p = mmap(NULL, 8192, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return;
	int err = mprotect(p + 4096, 4096, PROT_NONE);

	assert_int_equal(munmap(p, 8192), 0);
	assert_int_equal(err, -1);
}

/* Blocks first, then the table fills up, then all is freed. */
static void test_frees_at_the_limit(void **state)
{
	(void)state;
	for (size_t i = 0; i < WORK_SLOTS; i++) {
		slots[i] = guard_malloc(sizes[i] = i % 8 ? 1000 + i * 16 : 150000 + i * 16);
		slot_mark(i);
	}
	size_t ours = maps_read().bytes - at_start.bytes;
	struct ballast b = ballast_new(0);
	size_t full = maps_read().bytes;

	errno = 0;
	assert_null(guard_malloc(MIB));
	assert_int_equal(errno, ENOMEM);
	for (size_t i = 0; i < WORK_SLOTS; i += 2)
		slot_free(i);
	for (size_t i = 1; i < WORK_SLOTS; i += 2)
		slot_free(i);
	assert_int_equal(maps_read().bytes, full - ours);
	void *again = guard_malloc(MIB);

	assert_non_null(again);
	guard_free(again);
	ballast_end(b);
}

static const size_t headrooms[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 64};
#define HEADROOMS (sizeof(headrooms) / sizeof(headrooms[0]))

static void test_work_at_the_limit(void **state)
{
	(void)state;
	work_on_null = expect_no_two_maps;
	for (size_t i = 0; i < HEADROOMS; i++) {
		struct ballast b = ballast_new(headrooms[i]);
		struct maps before = maps_read();

		for (int round = 0; round < 4; round++) {
			work_mixed(3000, 256);
			assert_int_equal(maps_read().bytes, before.bytes);
			assert_int_equal(maps_read().lines, before.lines);
		}
		ballast_end(b);
	}
	work_on_null = NULL;
}

/* Where there is room for two maps, one block of any kind is to be had, and for one more none. */
static void test_two_maps_suffice(void **state)
{
	struct ballast b = ballast_new(2);
	void *p;

	(void)state;
	for (int kind = 0; kind < 5; kind++) {
		p = kind == 0	? guard_malloc(1)
		    : kind == 1 ? guard_malloc(128 << 10)
		    : kind == 2 ? guard_malloc(MIB)
		    : kind == 3 ? guard_memalign(4 * MIB, 100)
				: guard_calloc(40, MIB);
		assert_non_null(p);
		assert_int_equal(headroom_now(), 0);
		assert_null(guard_malloc(2 * MIB));
		guard_free(p);
		assert_int_equal(headroom_now(), 2);
	}
	ballast_end(b);
}

/* Blocks shrink at every count, also past the limit, and what they had goes in the end. */
static void test_shrinking_at_the_limit(void **state)
{
	(void)state;
	for (int past = 0; past <= 1; past++) {
		char *p[4];

		for (size_t i = 0; i < 4; i++)
			p[i] = memset(guard_malloc(4 * MIB), (int)i, 4 * MIB);
		struct ballast b = ballast_new(0);
		void *last = past ? mmap(NULL, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
				  : NULL;
		struct maps before = maps_read();

		assert_ptr_not_equal(last, MAP_FAILED);
		for (size_t i = 0; i < 3; i++) {
			assert_ptr_equal(guard_realloc(p[i], MIB), p[i]);
			assert_int_equal(p[i][MIB - 1], i);
			assert_int_equal(resident_pages(p[i] + MIB - 4096, 4096), 1);
		}
		assert_int_equal(maps_read().lines, before.lines);
		assert_int_equal(maps_read().bytes, before.bytes - (past ? 0 : 9 * MIB));
		/* With the fourth one two maps go, and the rest of the others with it. */
		guard_free(p[3]);
		assert_int_equal(maps_read().lines, before.lines - 2);
		assert_int_equal(maps_read().bytes, before.bytes - 13 * MIB - 4096);
		for (size_t i = 0; i < 3; i++)
			guard_free(p[i]);
		assert_int_equal(maps_read().lines, before.lines - 8);
		if (past)
			assert_int_equal(munmap(last, 4096), 0);
		ballast_end(b);
		work_expect_maps_back(NULL);
	}
}

/* Maps the range with guard's own flags, so that it merges with what it touches; NULL if taken. */
static void *neighbour(void *at, size_t len, int prot)
{
	void *got = mmap(at, len, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	return got == MAP_FAILED ? NULL : got;
}

/* The program's mappings merge with a block from below and with its separator from above. */
static void test_neighbours_at_the_limit(void **state)
{
	(void)state;
	for (int shrinks = 0; shrinks <= 1; shrinks++) {
		void *room = guard_malloc(MIB);
		char *p = guard_malloc(8 * MIB);

		guard_free(room); /* on one side of p; the other is free as it is */
		char *below = neighbour(p - 64 * 4096, 64 * 4096, PROT_READ | PROT_WRITE);
		char *above = neighbour(p + 8 * MIB + 4096, 64 * 4096, PROT_NONE);

		assert_int_equal(maps_read().lines, at_start.lines + 2); /* they merged */
		struct ballast b = ballast_new(0);
		struct maps before = maps_read();

		assert_non_null(below);
		assert_non_null(above);
		memset(p, 1, 8 * MIB);
		if (shrinks)
			assert_ptr_equal(guard_realloc(p, MIB), p);
		assert_int_equal(p[MIB - 1], 1);
		guard_free(p);
		assert_int_equal(maps_read().lines, before.lines);
		assert_int_equal(maps_read().bytes, before.bytes - 8 * MIB - 4096);
		ballast_end(b);
		assert_int_equal(munmap(below, 64 * 4096), 0);
		assert_int_equal(munmap(above, 64 * 4096), 0);
		work_expect_maps_back(NULL);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, work_begin, work_expect_maps_back)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_mixed_work_drains),	   TEST(test_two_maps_a_slab),
		TEST(test_two_maps_a_large_block), TEST(test_frees_at_the_limit),
		TEST(test_work_at_the_limit),	   TEST(test_two_maps_suffice),
		TEST(test_shrinking_at_the_limit), TEST(test_neighbours_at_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
