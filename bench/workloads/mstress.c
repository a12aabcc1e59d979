/*
 * mstress - 25 phases of new threads that fill, verify, free and swap blocks of very different
 * sizes.
 *
 * Thread t makes 5000 x (t % 8 + 1) temporary blocks of 1 to 16 words, and half as many that it
 * keeps, of 1 to 64 words; 1.7 % of them are 100 times as long, 0.2 % 1000 times and 0.04 % 10000
 * times. At each step it frees, in two of three cases, a random one of the temporary ones so far,
 * and in one of four swaps one with a table of 1000 slots that all threads share, so that what one
 * thread made another one frees. Each thread frees what it has at its end; between the phases each
 * shared slot is freed with p = 0.5.
 *
 * Blocks change hands as records beside them, one for one: no thread ever lacks a record.
 */
#include "bench/workloads/blocks.h"

#define PHASES 25
#define STEPS  5000
#define SHARED 1000
#define CLASS  8

struct item {
	void *p; /* NULL: none */
	uint64_t words, first;
};

struct thread {
	struct item **temporary, **kept;
	uint64_t steps;
	struct odd odd;
};

struct stress {
	struct item *_Atomic shared[SHARED];
	struct thread threads[BENCH_LANES];
};

BENCH_INLINE void item_fill(struct lane *l, struct item *k, unsigned orders)
{
	uint64_t much = lane_under(l, 10000);

	k->words = UINT64_C(1) << lane_under(l, orders);
	if (much < 4)
		k->words *= 10000;
	else if (much < 4 + 20)
		k->words *= 1000;
	else if (much < 4 + 20 + 170)
		k->words *= 100;
	k->first = lane_random(l);
	k->p = bench_malloc(l, k->words * sizeof(uint64_t));
	words_fill(k->p, k->words, k->first);
}

BENCH_INLINE void item_empty(struct lane *l, struct item *k, struct odd *o, uint64_t slot)
{
	if (!k->p)
		return;
	odd_note(o, words_differ(k->p, k->words, k->first), slot, k->words * sizeof(uint64_t));
	bench_free(l, k->p, k->words * sizeof(uint64_t));
	k->p = NULL;
}

static BENCH_HOT void steps(struct lane *l, struct stress *s, struct thread *t)
{
	for (uint64_t i = 0; i < t->steps; i++) {
		item_fill(l, t->temporary[i], 5);
		if (i % 2)
			item_fill(l, t->kept[i / 2], 7);
		/* Draws do not depend on what is found, so the sizes are the same in every run. */
		uint64_t at = lane_under(l, i + 1), chance = lane_under(l, 100);

		if (chance < 66)
			item_empty(l, t->temporary[at], &t->odd, at);
		at = lane_under(l, i + 1);
		chance = lane_under(l, 100);
		if (chance < 25)
			t->temporary[at] = atomic_exchange(&s->shared[lane_under(l, SHARED)],
							   t->temporary[at]);
	}
}

static BENCH_HOT void end(struct lane *l, struct thread *t)
{
	for (uint64_t i = 0; i < t->steps / 2; i++)
		item_empty(l, t->kept[i], &t->odd, i);
	for (uint64_t i = 0; i < t->steps; i++)
		item_empty(l, t->temporary[i], &t->odd, i);
}

static BENCH_HOT void shared_empty(struct lane *l, struct stress *s, uint64_t percent,
				   struct odd *o)
{
	for (unsigned i = 0; i < SHARED; i++)
		if (lane_under(l, 100) < percent)
			item_empty(l, s->shared[i], o, i);
}

static void work(struct bench *b, struct lane *l, void *arg)
{
	struct stress *s = arg;
	struct thread *t = &s->threads[l->index];

	steps(l, s, t);
	end(l, t);
	odd_judge(b, &t->odd);
}

static struct item **items_new(struct bench *b, uint64_t n)
{
	struct item *items = bench_memory(b, n * sizeof(*items));
	struct item **ret = bench_memory(b, n * sizeof(struct item *));

	for (uint64_t i = 0; i < n; i++)
		ret[i] = &items[i];
	return ret;
}

static void run(struct bench *b, struct lane *l)
{
	struct stress *s = bench_memory(b, sizeof(*s));
	struct item **shared = items_new(b, SHARED);
	struct odd odd = {0};

	for (unsigned i = 0; i < SHARED; i++)
		s->shared[i] = shared[i];
	for (unsigned i = 1; i <= b->threads && i < BENCH_LANES; i++) {
		struct thread *t = &s->threads[i];

		t->steps = bench_scaled(b, STEPS) * ((i - 1) % CLASS + 1);
		t->temporary = items_new(b, t->steps);
		t->kept = items_new(b, t->steps / 2);
	}
	bench_phase(b, "phases", true);
	for (unsigned i = 0; i < PHASES; i++) {
		bench_threads(b, b->threads, work, s);
		if (i + 1 < PHASES)
			shared_empty(l, s, 50, &odd);
	}
	odd_judge(b, &odd);
	bench_phase(b, "drained", false);
	shared_empty(l, s, 100, &odd);
	odd_judge(b, &odd);
}

const struct workload workload_mstress = {
	.name = "mstress",
	.summary = "phases of threads that fill, verify and swap blocks of 8 B to 5 MB",
	.threads = 4,
	.only_fixed = true,
	.run = run,
};
