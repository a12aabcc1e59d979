#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/command/plan.h"

#define ALLOCATORS 5
#define ENTRIES	   3
#define REPS	   4

static const struct plan_entry entries[ENTRIES] = {
	{.loop = true, .reps = REPS},
	{.loop = false, .reps = REPS},
	{.loop = true, .reps = 1},
};

static struct plan plan_of(uint64_t seed)
{
	struct plan p;

	assert_int_equal(plan_make(entries, ENTRIES, ALLOCATORS, seed, &p), 0);
	return p;
}

static void each_pair_once_a_block(void **state)
{
	struct plan p = plan_of(1);
	unsigned seen[ENTRIES][REPS][ALLOCATORS + 1] = {0};

	(void)state;
	for (size_t i = 0; i < p.n; i++) {
		const struct plan_run *r = &p.runs[i];

		assert_in_range(r->entry, 0, ENTRIES - 1);
		assert_in_range(r->block, 0, entries[r->entry].reps - 1);
		seen[r->entry][r->block][r->allocator == PLAN_LOOP ? ALLOCATORS : r->allocator]++;
	}
	for (unsigned e = 0; e < ENTRIES; e++)
		for (unsigned b = 0; b < entries[e].reps; b++)
			for (unsigned a = 0; a <= ALLOCATORS; a++)
				assert_int_equal(seen[e][b][a], a < ALLOCATORS || entries[e].loop);
	assert_int_equal(p.n, (ALLOCATORS + 1) * REPS + ALLOCATORS * REPS + ALLOCATORS + 1);
	plan_release(&p);
}

/* Blocks in order; in each the runs of an entry stand side by side, the loop first. */
static void what_is_compared_stands_together(void **state)
{
	struct plan p = plan_of(7);

	(void)state;
	for (size_t i = 1; i < p.n; i++) {
		const struct plan_run *before = &p.runs[i - 1], *r = &p.runs[i];

		assert_true(r->block >= before->block);
		if (r->entry == before->entry && r->block == before->block) {
			assert_true(r->allocator != PLAN_LOOP);
			continue;
		}
		assert_int_equal(r->allocator == PLAN_LOOP, entries[r->entry].loop);
		for (size_t j = 0; j < i; j++)
			assert_false(p.runs[j].entry == r->entry && p.runs[j].block == r->block);
	}
	plan_release(&p);
}

static void order_of(const struct plan *p, uint32_t entry, uint32_t block, uint32_t *ret)
{
	unsigned n = 0;

	for (size_t i = 0; i < p->n; i++)
		if (p->runs[i].entry == entry && p->runs[i].block == block &&
		    p->runs[i].allocator != PLAN_LOOP)
			ret[n++] = p->runs[i].allocator;
	assert_int_equal(n, ALLOCATORS);
}

static void every_second_block_is_reversed(void **state)
{
	struct plan p = plan_of(3);
	uint32_t there[ALLOCATORS], back[ALLOCATORS];

	(void)state;
	for (uint32_t e = 0; e < 2; e++) {
		for (uint32_t b = 0; b < REPS; b += 2) {
			order_of(&p, e, b, there);
			order_of(&p, e, b + 1, back);
			for (unsigned i = 0; i < ALLOCATORS; i++)
				assert_int_equal(there[i], back[ALLOCATORS - 1 - i]);
		}
	}
	plan_release(&p);
}

static void the_seed_decides(void **state)
{
	struct plan a = plan_of(1), b = plan_of(1), c = plan_of(2);

	(void)state;
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.runs, b.runs, a.n * sizeof(*a.runs));
	assert_memory_not_equal(a.runs, c.runs, a.n * sizeof(*a.runs));
	plan_release(&a);
	plan_release(&b);
	plan_release(&c);
}

/* Who goes first must not depend on his place on the command line. */
static void everybody_is_first_sometimes(void **state)
{
	unsigned first[ALLOCATORS] = {0};
	uint32_t order[ALLOCATORS];

	(void)state;
	for (uint64_t seed = 0; seed < 500; seed++) {
		struct plan p = plan_of(seed);

		order_of(&p, 1, 0, order);
		first[order[0]]++;
		plan_release(&p);
	}
	for (unsigned i = 0; i < ALLOCATORS; i++)
		assert_in_range(first[i], 60, 140);
}

static void nothing_to_run(void **state)
{
	struct plan p;

	(void)state;
	assert_int_equal(plan_make(NULL, 0, 3, 1, &p), 0);
	assert_int_equal(p.n, 0);
	plan_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_pair_once_a_block),
		cmocka_unit_test(what_is_compared_stands_together),
		cmocka_unit_test(every_second_block_is_reversed),
		cmocka_unit_test(the_seed_decides),
		cmocka_unit_test(everybody_is_first_sometimes),
		cmocka_unit_test(nothing_to_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
