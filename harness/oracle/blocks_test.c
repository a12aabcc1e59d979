/*
 * Random calls over a crowded space, judged by the trees and by a list that is searched from end
 * to end. No byte is touched, so any address will do.
 */
#include <string.h>

#include "harness/oracle/oracle_testing.h"

#define SLOTS 400
#define BASE  ((uintptr_t)1 << 40)

struct plain_block {
	bool live, tainted;
	uint64_t start, size, usable;
};

struct plain_heap {
	struct plain_block v[SLOTS];
	uint64_t blocks;
};

static uint64_t longer(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool meets(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a < b + b_len && b < a + a_len;
}

static bool requested_meet(const struct plain_block *a, const struct plain_block *b)
{
	return meets(a->start, longer(a->size, 1), b->start, longer(b->size, 1));
}

static bool tail_reaches(const struct plain_block *a, const struct plain_block *b)
{
	return meets(a->start, longer(longer(a->size, a->usable), 1), b->start, longer(b->size, 1));
}

/* What the rules say of a new block; follows the taints. */
static void plain_place(struct plain_heap *h, struct plain_block *b, bool *ret_overlap,
			bool *ret_tail)
{

	*ret_overlap = *ret_tail = false;
	for (uint32_t i = 0; i < SLOTS; i++) {
		struct plain_block *o = &h->v[i];

		if (!o->live || o->tainted)
			continue;
		if (requested_meet(o, b)) {
			*ret_overlap = b->tainted = o->tainted = true;
		} else if (tail_reaches(o, b)) {
			*ret_tail = o->tainted = true;
		}
	}
	for (uint32_t i = 0; i < SLOTS && !b->tainted; i++)
		if (h->v[i].live && h->v[i].tainted && requested_meet(&h->v[i], b))
			*ret_overlap = b->tainted = true;
	for (uint32_t i = 0; i < SLOTS && !b->tainted; i++)
		if (h->v[i].live && !h->v[i].tainted && tail_reaches(b, &h->v[i]))
			*ret_tail = b->tainted = true;
}

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

struct pair {
	struct model *model;
	struct finding_sink sink;
	struct plain_heap heap;
	uint64_t seed;
	uint32_t stmt, overlaps, tails;
};

static void step_free(struct pair *p, uint32_t slot)
{
	struct op op = {.code = OP_FREE, .space = SPACE_BLOCK, .stmt = p->stmt};
	struct call_event e = {.op = &op, .slot = slot, .before = (void *)p->heap.v[slot].start};

	oracle_before(p->model, &e, &p->sink);
	oracle_after(p->model, &e, &p->sink);
	p->heap.v[slot].live = false;
	p->heap.blocks--;
	assert_int_equal(p->sink.n, 0);
}

static struct plain_block random_block(struct pair *p, uint32_t space)
{
	uint64_t size = next_random(&p->seed) % 5 ? next_random(&p->seed) % 65 : 0;

	if (next_random(&p->seed) % 200 == 0)
		size = 2000;
	return (struct plain_block){
		.start = BASE + next_random(&p->seed) % space * 16,
		.size = size,
		.usable = size +
			  (next_random(&p->seed) % 9 ? -size % 16 : next_random(&p->seed) % 200),
	};
}

static void step_malloc(struct pair *p, uint32_t slot, uint32_t space)
{
	struct plain_block b = random_block(p, space);
	struct op op = {.code = OP_MALLOC, .space = SPACE_BLOCK, .stmt = p->stmt, .arg0 = b.size};
	struct call_event e = {.op = &op,
			       .slot = slot,
			       .ret = (void *)b.start,
			       .usable_known = true,
			       .usable = b.usable};
	bool overlap, tail, saw_overlap = false, saw_tail = false;

	plain_place(&p->heap, &b, &overlap, &tail);
	b.live = true;
	p->heap.v[slot] = b;
	p->heap.blocks++;
	oracle_before(p->model, &e, &p->sink);
	oracle_after(p->model, &e, &p->sink);
	for (uint32_t i = 0; i < p->sink.n; i++) {
		saw_overlap |= p->sink.v[i].rule == RULE_OVERLAP_BLOCK;
		saw_tail |= p->sink.v[i].rule == RULE_USABLE_OVERLAP;
	}
	assert_int_equal(saw_overlap, overlap);
	assert_int_equal(saw_tail, tail);
	assert_int_equal(p->sink.n, saw_overlap + saw_tail);
	p->overlaps += overlap;
	p->tails += tail;
	p->sink.n = 0;
}

static void assert_same(struct pair *p)
{
	uint64_t blocks, bytes, want = 0;

	model_live(p->model, &blocks, &bytes);
	for (uint32_t i = 0; i < SLOTS; i++) {
		const struct plain_block *b = &p->heap.v[i];

		want += b->live ? b->size : 0;
		/* An empty range touches nothing, but a tainted block refuses it. */
		if (b->live)
			assert_int_equal(model_touch(p->model, i, true, 0, 0) != 0, b->tainted);
	}
	assert_int_equal(blocks, p->heap.blocks);
	assert_int_equal(bytes, want);
}

static void run_pair(uint32_t space, uint32_t fill, struct pair *p)
{
	struct model_options o = {.block_slots = SLOTS, .page_bytes = STAGE_PAGE};
	struct arena arena;

	assert_int_equal(arena_init(&arena, model_arena_bytes(&o)), 0);
	assert_int_equal(model_new(&arena, &o, &p->model), 0);
	for (p->stmt = 0; p->stmt < 20000; p->stmt++) {
		uint32_t slot = next_random(&p->seed) % fill;

		if (p->heap.v[slot].live)
			step_free(p, slot);
		else
			step_malloc(p, slot, space);
		if (p->stmt % 16 == 0)
			assert_same(p);
	}
	arena_release(&arena);
}

static void trees_agree_with_a_list(void **state)
{
	static const struct {
		uint32_t space, fill;
	} cases[] = {{100000, SLOTS}, {2000, SLOTS}, {300, SLOTS}, {40, 30}, {1, SLOTS}};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pair p = {.seed = i + 1};

		run_pair(cases[i].space, cases[i].fill, &p);
		/* The dice did throw what is tested. */
		assert_true(p.overlaps > 10);
		assert_true(p.tails > 0 || cases[i].space == 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trees_agree_with_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
