/*
 * mleak - threads that come and go, and leave one block behind: 500 rounds of N (10) threads, each
 * of which takes 128 zeroed bytes, puts them into a random one of 1000 slots, frees what was there,
 * and ends. An allocator whose threads leave memory behind grows with the rounds.
 */
#include "bench/workloads/blocks.h"

#define SLOTS  1000
#define ROUNDS 500
#define BYTES  128

struct mleak {
	void *_Atomic slots[SLOTS];
	_Atomic bool dirty;
};

BENCH_INLINE uint64_t first_word(uint64_t slot)
{
	return (slot + 1) << 32;
}

/* Returns whether the block was zero. */
static BENCH_HOT bool leave_one(struct lane *l, struct mleak *m)
{
	uint64_t *p = bench_calloc(l, 1, BYTES), dirty = 0, at = lane_under(l, SLOTS);
	void *old;

	for (unsigned i = 0; i < BYTES / sizeof(*p); i++)
		dirty |= ((volatile uint64_t *)p)[i];
	words_fill(p, BYTES / sizeof(*p), first_word(at));
	old = atomic_exchange(&m->slots[at], p);
	if (old)
		bench_free(l, old, BYTES);
	return !dirty;
}

static void work(struct bench *b, struct lane *l, void *arg)
{
	struct mleak *m = arg;

	(void)b;
	if (!leave_one(l, m))
		m->dirty = true;
}

static BENCH_HOT void drain(struct lane *l, struct mleak *m, struct odd *o)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		void *p = m->slots[i];

		if (!p)
			continue;
		odd_note(o, words_differ(p, BYTES / sizeof(uint64_t), first_word(i)), i, BYTES);
		bench_free(l, p, BYTES);
	}
}

static void run(struct bench *b, struct lane *l)
{
	struct mleak *m = bench_memory(b, sizeof(*m));
	struct odd odd = {0};

	bench_phase(b, "rounds", true);
	for (uint64_t left = bench_scaled(b, ROUNDS); left && !bench_is_over(b);) {
		bench_threads(b, b->threads, work, m);
		left -= !b->stop_ns;
	}
	if (m->dirty && b->verify)
		bench_end(b, BENCH_END_WRONG_OUTPUT, "calloc gave a block that is not zero");
	bench_phase(b, "drained", false);
	drain(l, m, &odd);
	odd_judge(b, &odd);
}

const struct workload workload_mleak = {
	.name = "mleak",
	.summary = "rounds of threads that leave one block each behind and end",
	.threads = 10,
	.run = run,
};
