/* Ranges that the kernel refuses for good: the others go all the same, and nothing gets slow. */
#include "allocators/guard/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "allocators/guard/slab.h"
#include "allocators/guard/test_work.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

static void light_work(void)
{
	guard_free(guard_malloc(100));
	guard_free(guard_malloc(MIB));
}

/* Of ten large blocks the first, the last or one between stays; the other nine go. */
static void test_a_stuck_block_hides_no_other(void **state)
{
	void *p[10];

	(void)state;
	for (size_t stuck = 0; stuck < 10; stuck++) {
		for (size_t i = 0; i < 10; i++)
			p[i] = guard_malloc(MIB + i * 4 * KIB);
		refuse(REFUSE_MUNMAP, 1, SIZE_MAX);
		for (size_t i = 0; i < 10; i++)
			guard_free(p[i]);
		refuse_at(REFUSE_MUNMAP, p[stuck]);
		guard_free(guard_malloc(3 * MIB));
		guard_free(guard_malloc(3 * MIB));
		assert_int_equal(maps_read().bytes,
				 at_start.bytes + MIB + stuck * 4 * KIB + 4 * KIB);
		refuse_end();
		guard_malloc_trim(0);
		work_expect_maps_back(NULL);
	}
}

/* Ten slabs of seven blocks, and one more that is live and holds what is freed afterwards. */
static void test_a_stuck_slab_hides_no_other(void **state)
{
	(void)state;
	for (size_t stuck = 0; stuck < 10; stuck++) {
		for (size_t i = 0; i < 70; i++)
			slots[i] = guard_malloc(128 * KIB);
		uintptr_t slab = (uintptr_t)slots[stuck * 7] & ~(SLAB_BYTES - 1);

		refuse(REFUSE_MUNMAP, 1, SIZE_MAX);
		for (size_t i = 0; i < 70; i++)
			guard_free(slots[i]);
		refuse_at(REFUSE_MUNMAP, (void *)slab);
		for (int i = 0; i < 10; i++)
			light_work();
		assert_int_equal(maps_read().bytes, at_start.bytes + SLAB_BYTES + OS_PAGE);
		refuse_end();
		guard_malloc_trim(0);
		work_expect_maps_back(NULL);
	}
	memset(slots, 0, sizeof(slots));
}

/* A large block that was refused goes with the next slab, and a slab with the next large block. */
static void test_each_kind_takes_the_other_along(void **state)
{
	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		void *first = guard_malloc(kind ? 100 : MIB);
		void *next = guard_malloc(kind ? MIB : 100);

		refuse(REFUSE_MUNMAP, 1, SIZE_MAX);
		guard_free(first);
		assert_int_equal(refuse_end(), 1);
		guard_free(next);
		work_expect_maps_back(NULL);
	}
}

/* However many areas wait, a call tries a few of them. */
static void test_refusals_cost_a_few_calls_each(void **state)
{
	static void *p[WORK_SLOTS];

	(void)state;
	for (size_t i = 0; i < WORK_SLOTS; i++)
		p[i] = guard_malloc(i % 2 ? 40 * KIB : 132 * KIB);
	refuse(REFUSE_MUNMAP, 1, SIZE_MAX);
	for (size_t i = 0; i < WORK_SLOTS; i++)
		guard_free(p[i]);
	for (size_t i = 0; i < 200; i++) {
		size_t before = refuse_seen();

		/* The first is taken from what waits, the second needs a new mapping. */
		guard_free(guard_malloc(132 * KIB));
		guard_free(guard_malloc(50 * KIB));
		guard_free(guard_malloc(10 * MIB + i * 4 * KIB));
		assert_in_range(refuse_seen() - before, 3, 12);
	}
	refuse_end();
	guard_malloc_trim(0);
}

/* A page that cannot be purged (as locked ones) costs a try for each 64 pages that get free. */
static void test_stuck_pages_are_not_tried_by_each_free(void **state)
{
	void *keep = guard_malloc(100);
	size_t freed = 0;

	(void)state;
	refuse(REFUSE_MADVISE, 1, SIZE_MAX);
	for (int round = 0; round < 100; round++) {
		char *p[6];

		for (size_t i = 0; i < 6; i++)
			p[i] = memset(guard_malloc(128 * KIB), 1, 128 * KIB);
		for (size_t i = 0; i < 6; i++)
			guard_free(p[i]);
		freed += 6 * 32;
	}
	assert_in_range(refuse_seen(), 1, freed / DIRTY_PAGES_MAX * 2);
	refuse_end();
	guard_malloc_trim(0);
	void *slab = (void *)((uintptr_t)keep & ~(SLAB_BYTES - 1));

	assert_in_range(resident_pages(slab, SLAB_BYTES), 2, HEADER_PAGES + 1);
	guard_free(keep);
}

/* What was refused its purge reads zero nevertheless. */
static void test_calloc_is_zero_after_refused_purges(void **state)
{
	(void)state;
	for (size_t size = 10 * KIB; size <= 4 * MIB; size *= 4) {
		void *keep = guard_malloc(100);
		unsigned char *p = memset(guard_malloc(size), 1, size);

		refuse(REFUSE_MUNMAP | REFUSE_MADVISE, 1, SIZE_MAX);
		guard_free(p);
		unsigned char *again = guard_calloc(1, size);

		assert_ptr_equal(again, p);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(again[i], 0);
		refuse_end();
		guard_free(again);
		guard_free(keep);
		guard_malloc_trim(0);
	}
}

/*
 * More to write down than the table of records holds: each move leaves the old separator, one map.
 * Where the limit is reached before that, the block is copied.
 */
static void test_more_than_the_table_of_records(void **state)
{
	char *p = memset(guard_malloc(200 * KIB), 1, 200 * KIB);

	(void)state;
	refuse(REFUSE_MUNMAP, 1, SIZE_MAX);
	for (size_t i = 1; i < 33000; i++) {
		p = guard_realloc(p, 200 * KIB + i * 4 * KIB);
		assert_non_null(p);
	}
	assert_true(refuse_end() >= 32999);
	assert_int_equal(p[200 * KIB - 1], 1);
	guard_malloc_trim(0);
	assert_int_equal(maps_read().lines, at_start.lines + 2);
	guard_free(p);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, work_begin, work_expect_maps_back)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_stuck_block_hides_no_other),
		TEST(test_a_stuck_slab_hides_no_other),
		TEST(test_each_kind_takes_the_other_along),
		TEST(test_refusals_cost_a_few_calls_each),
		TEST(test_stuck_pages_are_not_tried_by_each_free),
		TEST(test_calloc_is_zero_after_refused_purges),
		TEST(test_more_than_the_table_of_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
