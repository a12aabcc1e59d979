/* Whatever kernel call is refused, once or for good: nothing is lost, and the work goes on. */
#include "allocators/guard/guard.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "allocators/guard/slab.h"
#include "allocators/guard/test_work.h"

#define MIB ((size_t)1 << 20)

/* What is refused is tried again by the next blocks of the same kinds that go. */
static void light_work(void)
{
	guard_free(guard_malloc(100));
	guard_free(guard_malloc(MIB));
}

static void refusal_work(void)
{
	struct maps keep = at_start;

	work_begin(NULL); /* the same calls each time */
	at_start = keep;
	work_mixed(400, 48);
}

static const unsigned refusals[] = {
	REFUSE_MMAP,
	REFUSE_MUNMAP,
	REFUSE_MPROTECT,
	REFUSE_MADVISE,
	REFUSE_MREMAP,
	REFUSE_MUNMAP | REFUSE_MPROTECT,
	REFUSE_MUNMAP | REFUSE_MADVISE,
	REFUSE_MUNMAP | REFUSE_MREMAP | REFUSE_MPROTECT | REFUSE_MADVISE,
};
#define REFUSALS (sizeof(refusals) / sizeof(refusals[0]))

/* `count` refusals from the nth call on, for each n and each kind of call. */
static void sweep(size_t count)
{
	for (size_t i = 0; i < REFUSALS; i++) {
		for (size_t nth = 1;; nth++) {
			refuse(refusals[i], nth, count);
			refusal_work();
			if (!refuse_end())
				break;
			light_work();
			work_expect_maps_back(NULL);
		}
	}
}

static void test_sweep_of_single_refusals(void **state)
{
	(void)state;
	sweep(1);
}

static void test_sweep_of_five_refusals(void **state)
{
	(void)state;
	sweep(5);
}

static void test_everything_refused_from_the_nth_on(void **state)
{
	(void)state;
	sweep(SIZE_MAX);
}

/* While nothing is taken back, what is kept is handed out again. */
static void test_kept_memory_is_reused(void **state)
{
	struct maps settled;

	(void)state;
	refuse(REFUSE_MUNMAP, 1, SIZE_MAX);
	for (int round = 0; round < 6; round++) {
		refusal_work();
		if (round == 3)
			settled = maps_read();
	}
	assert_int_equal(maps_read().bytes, settled.bytes);
	assert_true(refuse_end() > 0);
	assert_int_equal(guard_malloc_trim(0), 1);
}

static void test_refused_memory_is_purged(void **state)
{
	unsigned char *p = memset(guard_malloc(MIB), 1, MIB);

	(void)state;
	refuse(REFUSE_MUNMAP, 1, SIZE_MAX);
	guard_free(p);
	assert_int_equal(resident_pages(p, MIB), 0);
	unsigned char *again = guard_calloc(1, MIB);

	assert_ptr_equal(again, p);
	for (size_t i = 0; i < MIB; i++)
		assert_int_equal(again[i], 0);
	refuse_end();
	guard_free(again);
	light_work();
}

/* One live block does not keep what its neighbours touched. */
static void test_a_slab_in_use_is_purged(void **state)
{
	unsigned char *keep = guard_malloc(100), *p[7];

	(void)state;
	for (size_t i = 0; i < 7; i++)
		p[i] = memset(guard_malloc(128 << 10), 1, 128 << 10);
	for (size_t i = 0; i < 7; i++)
		guard_free(p[i]);
	void *slab = (void *)((uintptr_t)keep & ~(MIB - 1));

	assert_in_range(resident_pages(slab, MIB), 2, DIRTY_PAGES_MAX + HEADER_PAGES + 1);
	guard_free(keep);
}

static void test_all_refused_slabs_go_with_the_next(void **state)
{
	(void)state;
	for (size_t i = 0; i < 70; i++)
		slots[i] = guard_malloc(128 << 10);
	void *last = guard_malloc(128 << 10);

	refuse(REFUSE_MUNMAP, 1, SIZE_MAX);
	for (size_t i = 0; i < 70; i++)
		guard_free(slots[i]);
	assert_true(refuse_end() > 0);
	assert_int_equal(maps_read().lines, at_start.lines + 2 * 11);
	guard_free(last);
	memset(slots, 0, sizeof(slots));
}

static void test_all_refused_blocks_go_with_the_next(void **state)
{
	void *p[4];

	(void)state;
	for (size_t i = 0; i < 4; i++)
		p[i] = guard_malloc(MIB);
	refuse(REFUSE_MUNMAP, 1, SIZE_MAX);
	for (size_t i = 0; i < 3; i++)
		guard_free(p[i]);
	assert_int_equal(refuse_end(), 3);
	assert_int_equal(maps_read().lines, at_start.lines + 2 * 4);
	guard_free(p[3]);
}

static void test_refused_shrinking_purges(void **state)
{
	unsigned char *p = memset(guard_malloc(2 * MIB), 1, 2 * MIB);

	(void)state;
	refuse(REFUSE_MMAP | REFUSE_MUNMAP, 1, SIZE_MAX);
	assert_ptr_equal(guard_realloc(p, MIB), p);
	assert_int_equal(refuse_end(), 1);
	assert_int_equal(guard_malloc_usable_size(p), MIB);
	assert_int_equal(resident_pages(p, 2 * MIB), 256);
	/* what could not be given back is used again */
	assert_ptr_equal(guard_realloc(p, 2 * MIB), p);
	assert_int_equal(guard_malloc_usable_size(p), 2 * MIB);
	assert_int_equal(p[MIB - 1], 1);
	guard_free(p);
}

/* The separator is there at once, the rest goes with the next block, and the block stays. */
static void test_what_shrinking_left_goes_later(void **state)
{
	unsigned char *p = memset(guard_malloc(2 * MIB), 1, 2 * MIB);

	(void)state;
	refuse(REFUSE_MUNMAP, 1, SIZE_MAX);
	assert_ptr_equal(guard_realloc(p, MIB), p);
	assert_int_equal(refuse_end(), 1);
	assert_int_equal(resident_pages(p, 2 * MIB), 256);
	assert_int_equal(maps_read().lines, at_start.lines + 2);
	assert_int_equal(maps_read().bytes, at_start.bytes + 2 * MIB + 4096);
	light_work();
	assert_int_equal(maps_read().lines, at_start.lines + 2);
	assert_int_equal(maps_read().bytes, at_start.bytes + MIB + 4096);
	assert_int_equal(p[MIB - 1], 1);
	guard_free(p);
}

static void test_refused_separators_of_moved_blocks_go_later(void **state)
{
	(void)state;
	refuse(REFUSE_MUNMAP, 1, SIZE_MAX);
	unsigned char *p = memset(guard_malloc(MIB), 1, MIB);

	for (size_t size = 2 * MIB; size <= 32 * MIB; size *= 2) {
		p = guard_realloc(p, size);
		assert_non_null(p);
		assert_int_equal(p[MIB - 1], 1);
	}
	assert_true(refuse_end() >= 5);
	guard_free(p);
}

static void test_growing_past_a_refused_move_copies(void **state)
{
	(void)state;
	unsigned char *p = memset(guard_malloc(MIB), 1, MIB);

	refuse(REFUSE_MREMAP, 1, SIZE_MAX);
	p = guard_realloc(p, 4 * MIB);
	assert_int_equal(refuse_end(), 1);
	assert_int_equal(p[0], 1);
	assert_int_equal(p[MIB - 1], 1);
	guard_free(p);
}

/* realloc to a smaller size succeeds although no smaller block is to be had. */
static void test_shrinking_never_fails(void **state)
{
	void **chain = NULL, **p;
	unsigned char *large = memset(guard_malloc(MIB), 1, MIB), *small = guard_malloc(10000);

	(void)state;
	memset(small, 2, 10000);
	refuse(REFUSE_MMAP, 1, SIZE_MAX);
	for (size_t size = 64 << 10; size >= 112; size = size == 112  ? 0
							 : size > 224 ? size / 2
								      : 112) {
		while ((p = guard_malloc(size))) {
			*p = chain;
			chain = p;
		}
	}
	assert_ptr_equal(guard_realloc(large, 112), large);
	assert_int_equal(guard_malloc_usable_size(large), 4096);
	assert_ptr_equal(guard_realloc(small, 112), small);
	assert_int_equal(large[111], 1);
	assert_int_equal(small[111], 2);
	refuse_end();
	guard_free(large);
	guard_free(small);
	while ((p = chain)) {
		chain = *p;
		guard_free(p);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, work_begin, work_expect_maps_back)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sweep_of_single_refusals),
		TEST(test_sweep_of_five_refusals),
		TEST(test_everything_refused_from_the_nth_on),
		TEST(test_kept_memory_is_reused),
		TEST(test_refused_memory_is_purged),
		TEST(test_a_slab_in_use_is_purged),
		TEST(test_all_refused_slabs_go_with_the_next),
		TEST(test_all_refused_blocks_go_with_the_next),
		TEST(test_refused_shrinking_purges),
		TEST(test_what_shrinking_left_goes_later),
		TEST(test_refused_separators_of_moved_blocks_go_later),
		TEST(test_growing_past_a_refused_move_copies),
		TEST(test_shrinking_never_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
