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

#include "allocators/guard/slab.h"
#include "allocators/guard/test_maps.h"

#define MIB	((size_t)1 << 20)
#define SLOTS	4096
#define PER_MIB (MIB + 4096) /* mapped bytes of a slab, or of a block of 1 MiB */

static unsigned char *slots[SLOTS];
static size_t sizes[SLOTS];
static uint64_t prng_state;
static struct maps at_start;

static uint64_t prng(void)
{
	prng_state ^= prng_state << 13;
	prng_state ^= prng_state >> 7;
	prng_state ^= prng_state << 17;
	return prng_state;
}

static int begin(void **state)
{
	(void)state;
	prng_state = 0x9e3779b97f4a7c15u;
	at_start = maps_read();
	assert_true(at_start.lines > 0);
	return 0;
}

static int expect_maps_back(void **state)
{
	struct maps now = maps_read();

	(void)state;
	assert_int_equal(now.lines, at_start.lines);
	assert_int_equal(now.bytes, at_start.bytes);
	return 0;
}

/* Mostly small; one in 64 up to 2 MiB. */
static size_t random_size(void)
{
	unsigned bits = prng() % 64 == 0 ? 21 : 1 + prng() % 14;

	return prng() % ((size_t)1 << bits);
}

static void slot_check(size_t i)
{
	unsigned char *p = slots[i];

	if (p && sizes[i]) {
		assert_int_equal(p[0], (unsigned char)i);
		assert_int_equal(p[sizes[i] - 1], (unsigned char)i);
		assert_int_equal(p[sizes[i] / 2], (unsigned char)i);
	}
}

static void slot_mark(size_t i)
{
	unsigned char *p = slots[i];

	if (p && sizes[i])
		p[0] = p[sizes[i] / 2] = p[sizes[i] - 1] = (unsigned char)i;
}

static void slot_free(size_t i)
{
	slot_check(i);
	errno = 1234;
	guard_free(slots[i]);
	assert_int_equal(errno, 1234);
	slots[i] = NULL;
}

static void slot_resize(size_t i, size_t size)
{
	size_t kept = size < sizes[i] ? size : sizes[i];
	unsigned char *p = guard_realloc(slots[i], size ? size : 1);

	if (!p)
		return;
	if (kept)
		assert_int_equal(p[0], (unsigned char)i);
	slots[i] = p;
	sizes[i] = size;
	slot_mark(i);
}

static void slot_fill(size_t i)
{
	size_t size = random_size(), align = (size_t)1 << (4 + prng() % 18);
	bool zero = prng() % 4 == 0;

	sizes[i] = size;
	if (prng() % 16 == 0)
		slots[i] = guard_memalign(align, size);
	else
		slots[i] = zero ? guard_calloc(1, size) : guard_malloc(size);
	slot_mark(i);
}

static void mixed_work(size_t ops, size_t width)
{
	for (size_t n = 0; n < ops; n++) {
		size_t i = prng() % width;

		slot_check(i);
		if (!slots[i])
			slot_fill(i);
		else if (prng() % 4 == 0)
			slot_resize(i, random_size());
		else
			slot_free(i);
	}
	for (size_t i = 0; i < width; i++)
		slot_free(i);
}

static void test_mixed_work_drains(void **state)
{
	(void)state;
	mixed_work(200000, SLOTS);
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
		assert_int_equal(maps_read().lines, at_start.lines + 2 * (n + 1) + 2);
		assert_int_equal(maps_read().bytes, at_start.bytes + (n + 2) * PER_MIB);
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
	for (size_t i = 0; i < SLOTS; i++) {
		slots[i] = guard_malloc(sizes[i] = i % 8 ? 1000 + i * 16 : 150000 + i * 16);
		slot_mark(i);
	}
	size_t ours = maps_read().bytes - at_start.bytes;
	struct ballast b = ballast_new(0);
	size_t full = maps_read().bytes;

	errno = 0;
	assert_null(guard_malloc(MIB));
	assert_int_equal(errno, ENOMEM);
	for (size_t i = 0; i < SLOTS; i += 2)
		slot_free(i);
	for (size_t i = 1; i < SLOTS; i += 2)
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

		mixed_work(3000, 256);
		assert_int_equal(maps_read().bytes, before.bytes);
		assert_int_equal(maps_read().lines, before.lines);
		ballast_end(b);
	}
}

/* What is refused is tried again by the next blocks of the same kinds that go. */
static void light_work(void)
{
	guard_free(guard_malloc(100));
	guard_free(guard_malloc(MIB));
}

static void refusal_work(void)
{
	prng_state = 0x9e3779b97f4a7c15u;
	mixed_work(400, 48);
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
			expect_maps_back(NULL);
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
	unsigned char resident[256];

	(void)state;
	unsigned char *p = guard_malloc(MIB);

	memset(p, 1, MIB);
	refuse(REFUSE_MUNMAP, 1, SIZE_MAX);
	guard_free(p);
	assert_int_equal(mincore(p, MIB, resident), 0);
	for (size_t i = 0; i < 256; i++)
		assert_int_equal(resident[i] & 1, 0);
	unsigned char *again = guard_calloc(1, MIB);

	assert_ptr_equal(again, p);
	for (size_t i = 0; i < MIB; i++)
		assert_int_equal(again[i], 0);
	refuse_end();
	guard_free(again);
	light_work();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, expect_maps_back)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_mixed_work_drains),	   TEST(test_two_maps_a_slab),
		TEST(test_two_maps_a_large_block), TEST(test_frees_at_the_limit),
		TEST(test_work_at_the_limit),	   TEST(test_sweep_of_single_refusals),
		TEST(test_sweep_of_five_refusals), TEST(test_everything_refused_from_the_nth_on),
		TEST(test_kept_memory_is_reused),  TEST(test_refused_memory_is_purged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
