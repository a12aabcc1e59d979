/*
 * malloc-large - 2000 replacements of random ones of 20 slots by blocks of 5 to 25 MiB, all of
 * whose bytes are set to zero. Shows what mapping, unmapping and the kernel's own zeroing cost, and
 * how much an allocator keeps to avoid them.
 */
#include "bench/workloads/blocks.h"

#define SLOTS	     20
#define REPLACEMENTS 2000
#define BYTES_MIN    ((uint64_t)5 << 20)
#define BYTES_MAX    ((uint64_t)25 << 20)

/* Volatile, so that it does not become a call. The words before a tail of up to 7 bytes. */
BENCH_INLINE void zero(void *p, size_t size)
{
	volatile uint64_t *word = p;

	for (size_t i = 0; i < size / sizeof(*word); i++)
		word[i] = 0;
	for (size_t i = size & ~(sizeof(*word) - 1); i < size; i++)
		((volatile char *)p)[i] = 0;
}

static BENCH_HOT void replace(struct lane *l, struct block *slots, uint64_t ops, struct odd *o)
{
	for (; ops; ops--) {
		uint64_t at = lane_under(l, SLOTS);
		struct block *k = &slots[at];

		if (k->p) {
			block_check(k, at, o);
			bench_free(l, k->p, k->size);
		}
		k->size = BYTES_MIN + lane_under(l, BYTES_MAX - BYTES_MIN + 1);
		k->p = bench_malloc(l, k->size);
		zero(k->p, k->size);
		block_tag(k, at);
	}
}

static void run(struct bench *b, struct lane *l)
{
	struct block *slots = bench_memory(b, SLOTS * sizeof(*slots));
	struct odd odd = {0};

	bench_phase(b, "replace", true);
	/* Each takes so long that the clock may be looked at every time. */
	for (uint64_t left = bench_scaled(b, REPLACEMENTS); left && !bench_is_over(b);) {
		replace(l, slots, 1, &odd);
		left -= !b->stop_ns;
	}
	odd_judge(b, &odd);
	bench_phase(b, "drained", false);
	blocks_drain(b, l, slots, SLOTS);
}

const struct workload workload_malloc_large = {
	.name = "malloc-large",
	.summary = "20 slots of 5 to 25 MiB, replaced at random and set to zero",
	.run = run,
};
