#include "harness/cli/shrink_testing.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* What a program of mallocs, frees and loops does. */
struct heap {
	bool lives[64];
	unsigned live, most_live, freed, most_before_two;
	bool serial; /* it is lost once two live before three were freed */
	bool shown;
};

static void heap_do(struct heap *h, const struct op *op)
{
	for (uint32_t i = op->slice.start; i < op->slice.stop; i += op->slice.step) {
		bool *lives = &h->lives[i % 64];

		if (op->code == OP_MALLOC && !*lives) {
			*lives = true;
			h->live++;
		} else if (op->code == OP_FREE && *lives) {
			*lives = false;
			h->live--;
			h->freed++;
		}
		h->most_live = h->live > h->most_live ? h->live : h->most_live;
		if (h->live == 2 && h->freed >= 3)
			h->shown |= !h->serial || h->most_before_two < 2;
		if (h->freed < 3)
			h->most_before_two = h->most_live;
	}
}

static size_t heap_run(struct heap *h, const struct program *p, size_t i)
{
	while (i < p->nops && p->ops[i].code != OP_END) {
		const struct op *op = &p->ops[i++];

		if (op->code == OP_MALLOC || op->code == OP_FREE)
			heap_do(h, op);
		if (!op_opens_block(op->code))
			continue;
		uint64_t rounds = op->code == OP_REPEAT ? op->arg0 : 1;
		size_t begin = i;

		for (uint64_t r = 0; r < rounds && r < 100; r++)
			i = heap_run(h, p, begin);
		i++;
	}
	return i;
}

static bool malloc_and_then_free(const struct program *p)
{
	struct heap h = {.live = 0};

	heap_run(&h, p, 0);
	return h.freed > 0;
}

static bool two_behind_three(const struct program *p)
{
	struct heap h = {.live = 0};

	heap_run(&h, p, 0);
	return h.shown;
}

static bool two_behind_three_in_a_row(const struct program *p)
{
	struct heap h = {.serial = true};

	heap_run(&h, p, 0);
	return h.shown;
}

static void test_groups_that_are_alike(void **state)
{
	static const char text[] =
		"allocrig 1\nmalloc b[0] 17\nfree b[0]\nmalloc b[0] 19\nfree b[0]\ntrim\n"
		"malloc b[0] 17\nfree b[0]\nmalloc b[0] 17\nfree b[0]\nmalloc b[0:2] 17\n";

	(void)state;
	shrinks_to(two_behind_three, text,
		   "allocrig 1\nmalloc b[0:3] 1\nfree b[0:3]\nmalloc b[0:2] 1\n");
	shrinks_to(two_behind_three_in_a_row, text,
		   "allocrig 1\nrepeat 3 {\n  malloc b[0] 1\n  free b[0]\n}\nmalloc b[0:2] 1\n");
}

static void test_a_loop_that_begins_in_the_middle(void **state)
{
	(void)state;
	shrinks_to(malloc_and_then_free,
		   "allocrig 1\nrepeat 2 {\n  free b[0]\n  repeat 2 {\n    trim\n  }\n"
		   "  malloc b[0] 9\n}\n",
		   "allocrig 1\nmalloc b[0] 1\nfree b[0]\n");
}

static bool odd_slots(const struct program *p)
{
	unsigned frees = 0;

	for (size_t i = 0; i < p->nops; i++)
		for (uint32_t j = p->ops[i].slice.start; j < p->ops[i].slice.stop;
		     j += p->ops[i].slice.step) {
			if (p->ops[i].code == OP_FREE && j % 3 != 1)
				return false;
			frees += p->ops[i].code == OP_FREE;
		}
	return frees >= 3;
}

static void test_slots_at_one_distance(void **state)
{
	(void)state;
	shrinks_to(odd_slots, "allocrig 1\nfree b[4]\nmalloc b[0] 7\nfree b[1]\nfree b[7]\n",
		   "allocrig 1\nfree b[1:8:3]\n");
}

/* A loop that is made of groups is not counted twice where faults name what is behind. */
static bool third_free_is_refused(const struct program *p)
{
	for (uint32_t i = 0; i < p->header.nfaults; i++)
		for (size_t j = 0; j < p->nops; j++)
			if (p->ops[j].code == OP_USABLE &&
			    p->ops[j].stmt == p->header.faults[i].from_stmt)
				return two_behind_three_in_a_row(p);
	return false;
}

static void test_faults_behind_a_loop(void **state)
{
	(void)state;
	shrinks_to(third_free_is_refused,
		   "allocrig 1\nfault munmap ENOMEM from=7 to=7\nmalloc b[0] 1\nfree b[0]\n"
		   "malloc b[0] 1\nfree b[0]\nmalloc b[0] 1\nfree b[0]\nmalloc b[0:2] 1\n"
		   "usable b[0]\n",
		   "allocrig 1\nfault munmap ENOMEM from=4\nrepeat 3 {\n  malloc b[0] 1\n"
		   "  free b[0]\n}\nmalloc b[0:2] 1\nusable b[0]\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups_that_are_alike),
		cmocka_unit_test(test_a_loop_that_begins_in_the_middle),
		cmocka_unit_test(test_slots_at_one_distance),
		cmocka_unit_test(test_faults_behind_a_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
