/* Every byte goes back: after everything was freed, at the map limit, and when calls are refused.
 */
#include "allocators/guard/guard.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

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
 * then `headroom` maps are given back.
 */
struct ballast {
	char *at;
	size_t len;
};

static struct ballast ballast_new(size_t headroom)
{
	struct ballast b = {.len = (size_t)200000 * 4096};
	size_t page = 1;

	b.at = mmap(NULL, b.len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(b.at, MAP_FAILED);
	while (page * 4096 < b.len - 4096 && mprotect(b.at + page * 4096, 4096, PROT_READ) == 0)
		page += 2;
	if (page * 4096 >= b.len - 4096) {
		munmap(b.at, b.len);
		print_message("vm.max_map_count is beyond what this test fills\n");
		skip();
	}
	/* the last one may have been split once before it was refused */
	mprotect(b.at + page * 4096, b.len - page * 4096, PROT_NONE);
	for (size_t n = 0; n < headroom; n += 2) {
		page -= 2;
		assert_int_equal(mprotect(b.at + page * 4096, 4096, PROT_NONE), 0);
	}
	return b;
}

static void ballast_end(struct ballast b)
{
	assert_int_equal(munmap(b.at, b.len), 0);
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

static void test_work_at_the_limit(void **state)
{
	(void)state;
	for (size_t headroom = 0; headroom <= 64; headroom += headroom < 12 ? 2 : 26) {
		struct ballast b = ballast_new(headroom);
		struct maps before = maps_read();

		work_mixed(3000, 256);
		assert_int_equal(maps_read().bytes, before.bytes);
		assert_int_equal(maps_read().lines, before.lines);
		ballast_end(b);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, work_begin, work_expect_maps_back)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_mixed_work_drains),	   TEST(test_two_maps_a_slab),
		TEST(test_two_maps_a_large_block), TEST(test_frees_at_the_limit),
		TEST(test_work_at_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
