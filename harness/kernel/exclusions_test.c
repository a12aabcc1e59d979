#include "harness/kernel/exclusions.h"

#include "harness/kernel/child_test.h"

#define CAPACITY 8

static struct exclusions ex;
static struct arena arena;

static int setup(void **state)
{
	(void)state;
	return arena_init(&arena, 4096) || exclusions_init(&ex, &arena, CAPACITY);
}

static int teardown(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static void joins_what_meets(void **state)
{
	(void)state;
	assert_int_equal(exclusions_add(&ex, 100, 200), 0);
	assert_int_equal(exclusions_add(&ex, 300, 400), 0);
	assert_int_equal(exclusions_add(&ex, 500, 600), 0);
	assert_int_equal(ex.n, 3);
	assert_int_equal(exclusions_add(&ex, 200, 300), 0); /* touches both sides */
	assert_int_equal(ex.n, 2);
	assert_int_equal(ex.v[0].start, 100);
	assert_int_equal(ex.v[0].end, 400);
	assert_int_equal(exclusions_add(&ex, 150, 160), 0); /* inside */
	assert_int_equal(ex.n, 2);
	assert_int_equal(exclusions_add(&ex, 50, 700), 0); /* swallows all */
	assert_int_equal(ex.n, 1);
	assert_int_equal(ex.v[0].start, 50);
	assert_int_equal(ex.v[0].end, 700);
}

static void refuses_empty_and_full(void **state)
{
	(void)state;
	assert_int_equal(exclusions_add(&ex, 5, 5), -EINVAL);
	assert_int_equal(exclusions_add(&ex, 6, 5), -EINVAL);
	for (uintptr_t i = 0; i < CAPACITY; i++)
		assert_int_equal(exclusions_add(&ex, 100 * i, 100 * i + 10), 0);
	assert_int_equal(exclusions_add(&ex, 50, 60), -ENOSPC);
	assert_int_equal(ex.n, CAPACITY);
	assert_int_equal(exclusions_add(&ex, 10, 20), 0); /* joins, needs no room */
	assert_int_equal(ex.v[0].end, 20);
}

static void removes_and_splits(void **state)
{
	(void)state;
	assert_int_equal(exclusions_add(&ex, 100, 400), 0);
	assert_int_equal(exclusions_remove(&ex, 400, 500), 0); /* meets, but shares nothing */
	assert_int_equal(exclusions_remove(&ex, 50, 100), 0);
	assert_int_equal(ex.n, 1);
	assert_int_equal(exclusions_remove(&ex, 200, 300), 0); /* out of the middle */
	assert_int_equal(ex.n, 2);
	assert_int_equal(ex.v[0].start, 100);
	assert_int_equal(ex.v[0].end, 200);
	assert_int_equal(ex.v[1].start, 300);
	assert_int_equal(ex.v[1].end, 400);
	assert_int_equal(exclusions_add(&ex, 500, 600), 0);
	assert_int_equal(exclusions_remove(&ex, 150, 550), 0); /* edges of two, all of one */
	assert_int_equal(ex.n, 2);
	assert_int_equal(ex.v[0].end, 150);
	assert_int_equal(ex.v[1].start, 550);
	assert_int_equal(exclusions_remove(&ex, 100, 150), 0); /* exactly one */
	assert_int_equal(ex.n, 1);
	assert_int_equal(exclusions_remove(&ex, 0, UINTPTR_MAX), 0);
	assert_int_equal(ex.n, 0);
}

static void refuses_split_when_full(void **state)
{
	(void)state;
	assert_int_equal(exclusions_remove(&ex, 5, 5), -EINVAL);
	for (uintptr_t i = 0; i < CAPACITY; i++)
		assert_int_equal(exclusions_add(&ex, 100 * i, 100 * i + 10), 0);
	assert_int_equal(exclusions_remove(&ex, 104, 106), -ENOSPC);
	assert_int_equal(ex.n, CAPACITY);
	assert_int_equal(ex.v[1].start, 100);
	assert_int_equal(ex.v[1].end, 110);
	assert_int_equal(exclusions_remove(&ex, 104, 206), 0); /* two shorter, none more */
	assert_int_equal(ex.n, CAPACITY);
	assert_int_equal(ex.v[2].start, 206);
}

/* Against one flag per address, over every order of a pseudo-random sequence. */
static void agrees_with_flags(void **state)
{
	bool excluded[64] = {false};
	uint32_t x = 1;

	(void)state;
	for (int round = 0; round < 500; round++) {
		x = x * 1664525 + 1013904223;
		uintptr_t start = x >> 26, end = start + 1 + (x >> 8) % 5;

		bool add = x >> 16 & 3; /* or take out, one time in four */

		if (end > 64 || (add ? exclusions_add : exclusions_remove)(&ex, start, end) != 0)
			continue;
		for (uintptr_t i = start; i < end; i++)
			excluded[i] = add;
		for (uint32_t width = 1; width <= 64; width += 3) {
			struct exclusions_cursor c = {.ex = &ex};
			bool owned[64] = {false};

			for (uintptr_t at = 0; at < 64; at += width) {
				struct span r = {at, at + width < 64 ? at + width : 64}, part;

				while (exclusions_next_owned(&c, &r, &part))
					for (uintptr_t i = part.start; i < part.end; i++)
						owned[i] = true;
				assert_false(exclusions_next_owned(&c, &r, &part));
			}
			for (int i = 0; i < 64; i++)
				assert_int_equal(owned[i], !excluded[i]);
		}
		if (ex.n == 1 && ex.v[0].end - ex.v[0].start > 50) {
			ex.n = 0;
			for (int i = 0; i < 64; i++)
				excluded[i] = false;
		}
	}
}

static void a_place_by_address_skips_what_lies_below(void **state)
{
	struct span part;

	(void)state;
	for (uintptr_t i = 0; i < 4; i++)
		assert_int_equal(exclusions_add(&ex, 100 * i + 10, 100 * i + 20), 0);
	for (uintptr_t at = 0; at < 450; at++) {
		struct exclusions_cursor c = exclusions_at(&ex, at), slow = {.ex = &ex};
		struct span r = {at, at + 120}, same = r, want;

		while (exclusions_next_owned(&slow, &same, &want)) {
			assert_true(exclusions_next_owned(&c, &r, &part));
			assert_int_equal(part.start, want.start);
			assert_int_equal(part.end, want.end);
		}
		assert_false(exclusions_next_owned(&c, &r, &part));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(joins_what_meets, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_empty_and_full, setup, teardown),
		cmocka_unit_test_setup_teardown(removes_and_splits, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_split_when_full, setup, teardown),
		cmocka_unit_test_setup_teardown(agrees_with_flags, setup, teardown),
		cmocka_unit_test_setup_teardown(a_place_by_address_skips_what_lies_below, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
