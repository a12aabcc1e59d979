#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "harness/base/range_set.h"

struct fixture {
	struct arena arena;
	struct range_set *set;
};

static void start(struct fixture *f, uint32_t capacity)
{
	assert_int_equal(arena_init(&f->arena, range_set_arena_bytes(capacity)), 0);
	assert_int_equal(range_set_new(&f->arena, capacity, &f->set), 0);
}

static void assert_range(const struct range_set *s, uintptr_t from, struct range want)
{
	struct range got = {0};

	assert_true(range_set_first(s, from, UINTPTR_MAX, &got));
	assert_int_equal(got.start, want.start);
	assert_int_equal(got.end, want.end);
	assert_int_equal(got.tag, want.tag);
}

static void empty_set_and_empty_ranges(void **state)
{
	struct fixture f;
	struct range r;

	(void)state;
	start(&f, 4);
	assert_false(range_set_first(f.set, 0, UINTPTR_MAX, &r));
	assert_int_equal(range_set_insert(f.set, 10, 10, 1), 0);
	assert_int_equal(range_set_insert(f.set, 11, 10, 1), 0);
	assert_int_equal(range_set_remove(f.set, 0, UINTPTR_MAX), 0);
	assert_int_equal(range_set_count(f.set), 0);
	assert_int_equal(range_set_insert(f.set, 10, 20, 1), 0);
	assert_false(range_set_first(f.set, 15, 15, &r));
	assert_false(range_set_first(f.set, 0, 10, &r));
	assert_false(range_set_first(f.set, 20, 30, &r));
	assert_true(range_set_first(f.set, 19, 20, &r));
	arena_release(&f.arena);
}

static void an_insert_cuts_what_it_covers(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 8);
	assert_int_equal(range_set_insert(f.set, 10, 50, 1), 0);
	assert_int_equal(range_set_insert(f.set, 20, 30, 2), 0);
	assert_int_equal(range_set_count(f.set), 3);
	assert_range(f.set, 0, (struct range){10, 20, 1});
	assert_range(f.set, 20, (struct range){20, 30, 2});
	assert_range(f.set, 30, (struct range){30, 50, 1});
	assert_int_equal(range_set_insert(f.set, 15, 35, 3), 0);
	assert_range(f.set, 0, (struct range){10, 15, 1});
	assert_range(f.set, 15, (struct range){15, 35, 3});
	assert_range(f.set, 35, (struct range){35, 50, 1});
	assert_int_equal(range_set_insert(f.set, 0, UINTPTR_MAX, 4), 0);
	assert_int_equal(range_set_count(f.set), 1);
	arena_release(&f.arena);
}

static void neighbours_are_not_joined(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 4);
	assert_int_equal(range_set_insert(f.set, 10, 20, 7), 0);
	assert_int_equal(range_set_insert(f.set, 20, 30, 7), 0);
	assert_int_equal(range_set_count(f.set), 2);
	assert_range(f.set, 19, (struct range){10, 20, 7});
	arena_release(&f.arena);
}

static void a_full_set_refuses_and_stays_as_it_was(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 2);
	assert_int_equal(range_set_insert(f.set, 10, 20, 1), 0);
	assert_int_equal(range_set_insert(f.set, 30, 60, 2), 0);
	assert_int_equal(range_set_insert(f.set, 70, 80, 3), -ENOSPC);
	assert_int_equal(range_set_insert(f.set, 40, 50, 3), -ENOSPC);
	assert_int_equal(range_set_insert(f.set, 15, 35, 3), -ENOSPC);
	assert_int_equal(range_set_remove(f.set, 40, 50), -ENOSPC);
	assert_range(f.set, 0, (struct range){10, 20, 1});
	assert_range(f.set, 20, (struct range){30, 60, 2});
	/* Covering frees first, so these fit. */
	assert_int_equal(range_set_insert(f.set, 10, 20, 4), 0);
	assert_int_equal(range_set_insert(f.set, 15, 61, 5), 0);
	assert_range(f.set, 0, (struct range){10, 15, 4});
	assert_range(f.set, 15, (struct range){15, 61, 5});
	arena_release(&f.arena);
}

static void a_join_grows_over_its_tag_alone(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 3);
	assert_int_equal(range_set_join(f.set, 10, 20, 1), 0);
	assert_int_equal(range_set_join(f.set, 30, 40, 1), 0);
	assert_int_equal(range_set_count(f.set), 2);
	assert_int_equal(range_set_join(f.set, 20, 30, 1), 0);
	assert_int_equal(range_set_count(f.set), 1);
	assert_range(f.set, 0, (struct range){10, 40, 1});
	assert_int_equal(range_set_join(f.set, 40, 50, 2), 0); /* touches another tag */
	assert_range(f.set, 40, (struct range){40, 50, 2});
	assert_int_equal(range_set_join(f.set, 5, 45, 1), 0);
	assert_range(f.set, 0, (struct range){5, 45, 1});
	assert_range(f.set, 45, (struct range){45, 50, 2});
	assert_int_equal(range_set_join(f.set, 0, 1, 1), 0);
	assert_int_equal(range_set_bytes(f.set), 46);
	/* Full by now: what has a range to grow still fits. */
	assert_int_equal(range_set_join(f.set, 60, 70, 1), -ENOSPC);
	assert_int_equal(range_set_join(f.set, 47, 48, 1), -ENOSPC);
	assert_int_equal(range_set_join(f.set, 1, 5, 1), 0);
	assert_range(f.set, 0, (struct range){0, 45, 1});
	range_set_clear(f.set);
	assert_int_equal(range_set_count(f.set), 0);
	assert_int_equal(range_set_bytes(f.set), 0);
	assert_int_equal(range_set_join(f.set, 0, UINTPTR_MAX, 1), 0);
	assert_int_equal(range_set_join(f.set, UINTPTR_MAX - 1, UINTPTR_MAX, 1), 0);
	assert_int_equal(range_set_count(f.set), 1);
	arena_release(&f.arena);
}

static void neighbours_joined_by_the_million_take_one_node(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, 2);
	for (uintptr_t at = 1000000; at; at--)
		assert_int_equal(range_set_join(f.set, at, at + 1, 5), 0);
	for (uintptr_t at = 1000000; at < 2000000; at++)
		assert_int_equal(range_set_join(f.set, at, at + 1, 5), 0);
	assert_int_equal(range_set_count(f.set), 1);
	assert_range(f.set, 0, (struct range){1, 2000000, 5});
	arena_release(&f.arena);
}

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

#define SPACE 256

/* One tag per address; 0: nothing there. Each insert has a tag of its own. */
static void assert_same(const struct range_set *s, const uint64_t *naive)
{
	uintptr_t at = 0;
	struct range r;

	while (range_set_first(s, at, SPACE, &r)) {
		for (; at < r.start; at++)
			assert_int_equal(naive[at], 0);
		for (; at < r.end; at++)
			assert_int_equal(naive[at], r.tag);
	}
	for (; at < SPACE; at++)
		assert_int_equal(naive[at], 0);
}

static void random_inserts_and_removes_match_an_array(void **state)
{
	struct fixture f;
	uint64_t naive[SPACE] = {0}, seed = 42;

	(void)state;
	start(&f, SPACE);
	for (uint64_t i = 1; i <= 20000; i++) {
		uintptr_t from = next_random(&seed) % SPACE;
		uintptr_t to = from + next_random(&seed) % (i % 7 ? 9 : SPACE - from + 1);
		bool insert = next_random(&seed) % 3;

		to = to > SPACE ? SPACE : to;
		assert_int_equal(insert ? range_set_insert(f.set, from, to, i)
					: range_set_remove(f.set, from, to),
				 0);
		for (uintptr_t at = from; at < to; at++)
			naive[at] = insert ? i : 0;
		assert_same(f.set, naive);
	}
	arena_release(&f.arena);
}

/* Joined ranges of one tag never touch. */
static void assert_joined(const struct range_set *s, const uint64_t *naive)
{
	uint32_t ranges = 0;
	uint64_t bytes = 0;

	for (uintptr_t at = 0; at < SPACE; at++) {
		ranges += naive[at] && (!at || naive[at] != naive[at - 1]);
		bytes += naive[at] != 0;
	}
	assert_int_equal(range_set_count(s), ranges);
	assert_int_equal(range_set_bytes(s), bytes);
}

static void random_joins_match_an_array(void **state)
{
	struct fixture f;
	uint64_t naive[SPACE] = {0}, seed = 7;

	(void)state;
	start(&f, SPACE);
	for (uint64_t i = 1; i <= 20000; i++) {
		uintptr_t from = next_random(&seed) % SPACE;
		uintptr_t to = from + next_random(&seed) % (i % 7 ? 9 : SPACE - from + 1);
		bool join = next_random(&seed) % 3;
		uint64_t tag = 1 + next_random(&seed) % 2;

		to = to > SPACE ? SPACE : to;
		assert_int_equal(join ? range_set_join(f.set, from, to, tag)
				      : range_set_remove(f.set, from, to),
				 0);
		for (uintptr_t at = from; at < to; at++)
			naive[at] = join ? tag : 0;
		assert_same(f.set, naive);
		assert_joined(f.set, naive);
	}
	arena_release(&f.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_set_and_empty_ranges),
		cmocka_unit_test(an_insert_cuts_what_it_covers),
		cmocka_unit_test(neighbours_are_not_joined),
		cmocka_unit_test(a_full_set_refuses_and_stays_as_it_was),
		cmocka_unit_test(random_inserts_and_removes_match_an_array),
		cmocka_unit_test(a_join_grows_over_its_tag_alone),
		cmocka_unit_test(neighbours_joined_by_the_million_take_one_node),
		cmocka_unit_test(random_joins_match_an_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
