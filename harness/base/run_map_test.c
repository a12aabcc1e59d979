#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "harness/base/run_map.h"

#define PLACES 64
#define SPACES 3
#define LOST   UINT32_C(0xffff)

struct fixture {
	struct arena arena;
	struct run_map *map;
	int64_t sum; /* of length times value, by `changed` */
	uint64_t lost;
};

static void count(void *context, const void *value, int64_t length)
{
	struct fixture *f = context;

	f->sum += length * *(const uint32_t *)value;
}

static void lose(void *context, const struct run *run, const void *value)
{
	struct fixture *f = context;

	assert_true(run->start < run->end);
	assert_int_not_equal(*(const uint32_t *)value, 0);
	f->lost++;
}

static void setup(struct fixture *f, uint32_t capacity)
{
	uint32_t forgotten = LOST;
	struct run_map_options o = {capacity, sizeof(uint32_t), &forgotten, f, count, lose};

	*f = (struct fixture){0};
	assert_int_equal(arena_init(&f->arena, run_map_arena_bytes(capacity, sizeof(uint32_t))), 0);
	assert_int_equal(run_map_new(&f->arena, &o, &f->map), 0);
}

static int put(struct fixture *f, uint64_t start, uint64_t end, uint32_t value)
{
	return run_map_put(f->map, &(struct run){0, start, end}, &value);
}

static void assert_run(const struct fixture *f, uint64_t at, struct run wanted, uint32_t value)
{
	struct run run;
	uint32_t found;

	assert_true(run_map_find(f->map, wanted.space, at, &run, &found));
	assert_int_equal(run.start, wanted.start);
	assert_int_equal(run.end, wanted.end);
	assert_int_equal(found, value);
}

static void equal_neighbours_are_one(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, 8);
	put(&f, 10, 20, 1);
	put(&f, 30, 40, 1);
	put(&f, 20, 30, 1);
	assert_run(&f, 0, (struct run){0, 10, 40}, 1);
	put(&f, 15, 16, 2);
	assert_run(&f, 0, (struct run){0, 10, 15}, 1);
	assert_run(&f, 16, (struct run){0, 16, 40}, 1);
	put(&f, 15, 16, 1);
	assert_run(&f, 12, (struct run){0, 10, 40}, 1);
	arena_release(&f.arena);
}

static void spaces_are_apart(void **state)
{
	struct fixture f;
	struct run run;
	uint32_t value = 5, found;

	(void)state;
	setup(&f, 8);
	put(&f, 10, 20, 5);
	assert_int_equal(run_map_put(f.map, &(struct run){1, 20, 30}, &value), 0);
	assert_run(&f, 0, (struct run){0, 10, 20}, 5);
	assert_run(&f, 0, (struct run){1, 20, 30}, 5);
	assert_false(run_map_find(f.map, 0, 20, &run, &found));
	assert_int_equal(run_map_cut(f.map, &(struct run){1, 0, UINT64_MAX}), 0);
	assert_run(&f, 0, (struct run){0, 10, 20}, 5);
	arena_release(&f.arena);
}

/* What does not fit makes neighbours one, whose value is the word for not known. */
static void it_forgets_when_it_is_full(void **state)
{
	struct fixture f;

	(void)state;
	setup(&f, 4);
	for (uint32_t i = 0; i < 4; i++)
		put(&f, i * 10, i * 10 + 5, i + 1);
	assert_true(run_map_forgotten(f.map) > 0);
	assert_int_equal(f.lost, 2 * run_map_forgotten(f.map));
	assert_run(&f, 30, (struct run){0, 30, 35}, 4);
	assert_int_equal(put(&f, 100, 101, 7), 0);
	assert_run(&f, 100, (struct run){0, 100, 101}, 7);
	arena_release(&f.arena);
}

static void it_refuses_without_neighbours(void **state)
{
	struct fixture f;
	uint32_t value = 1, found;
	struct run run;

	(void)state;
	setup(&f, 4);
	for (uint64_t space = 0; space < 3; space++)
		assert_int_equal(run_map_put(f.map, &(struct run){space, 0, 9}, &value), 0);
	assert_int_equal(run_map_put(f.map, &(struct run){3, 0, 9}, &value), -ENOSPC);
	assert_false(run_map_find(f.map, 3, 0, &run, &found));
	value = 2;
	assert_int_equal(run_map_put(f.map, &(struct run){1, 3, 4}, &value), -ENOSPC);
	assert_run(&f, 0, (struct run){1, 0, 9}, 1);
	arena_release(&f.arena);
}

static uint64_t next(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return *seed >> 33;
}

static void assert_like(const struct fixture *f, uint32_t want[SPACES][PLACES], bool may_forget)
{
	int64_t sum = 0;

	for (uint64_t space = 0; space < SPACES; space++) {
		for (uint64_t at = 0; at < PLACES; at++) {
			struct run run;
			uint32_t value = 0;

			if (!run_map_find(f->map, space, at, &run, &value) || run.start > at)
				value = 0;
			sum += value;
			if (value != LOST || !may_forget)
				assert_int_equal(value, want[space][at]);
		}
	}
	assert_int_equal(f->sum, sum);
}

/* Against an array, with much memory and with too little. */
static void it_is_like_an_array(void **state)
{
	(void)state;
	for (uint64_t round = 0; round < 40; round++) {
		uint32_t want[SPACES][PLACES] = {{0}};
		uint64_t seed = round;
		struct fixture f;

		setup(&f, round % 2 ? 12 : SPACES * PLACES);
		for (int step = 0; step < 500; step++) {
			uint64_t start = next(&seed) % PLACES, space = next(&seed) % SPACES;
			uint64_t end = start + next(&seed) % (PLACES - start) + 1;
			uint32_t value = (uint32_t)(next(&seed) % 4);
			struct run run = {space, start, end};
			int err =
				value ? run_map_put(f.map, &run, &value) : run_map_cut(f.map, &run);

			for (uint64_t at = start; err == 0 && at < end; at++)
				want[space][at] = value;
			assert_like(&f, want, round % 2);
		}
		assert_true(round % 2 || run_map_forgotten(f.map) == 0);
		arena_release(&f.arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_neighbours_are_one),
		cmocka_unit_test(spaces_are_apart),
		cmocka_unit_test(it_forgets_when_it_is_full),
		cmocka_unit_test(it_refuses_without_neighbours),
		cmocka_unit_test(it_is_like_an_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
