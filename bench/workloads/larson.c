/*
 * larson - a server's churn, in which memory is handed over to a thread's successor.
 *
 * The main thread fills 5000 slots for each of N threads with blocks of 8 to 1000 bytes, mixes them
 * and replaces four times as many at random: so each thread begins with blocks that lie anywhere.
 * Then each frees a random one of its slots, allocates anew and writes 2 bytes, and after 500,000
 * of these starts a successor, which takes over its slots, and ends.
 */
#include "bench/workloads/blocks.h"

#define SLOTS	  5000
#define ROUND_OPS 500000
#define ROUNDS	  24
#define BYTES_MIN 8
#define BYTES_MAX 1000

struct larson {
	struct block *slots; /* of all threads, side by side */
	uint64_t round_ops;
	struct rounds {
		_Alignas(64) unsigned left;
	} rounds[BENCH_LANES];
};

BENCH_INLINE void fill(struct lane *l, struct block *k)
{
	k->size = BYTES_MIN + lane_under(l, BYTES_MAX - BYTES_MIN + 1);
	k->p = bench_malloc(l, k->size);
	/* Slots are mixed, so the tag is the size. */
	((volatile char *)k->p)[0] = (char)k->size;
	((volatile char *)k->p)[k->size - 1] = (char)k->size;
}

static BENCH_HOT void fill_all(struct lane *l, struct block *slots, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		fill(l, &slots[i]);
}

static BENCH_HOT void mix(struct lane *l, struct block *slots, uint64_t n)
{
	for (uint64_t i = n - 1; i; i--) {
		uint64_t at = lane_under(l, i + 1);
		struct block k = slots[i];

		slots[i] = slots[at];
		slots[at] = k;
	}
}

static BENCH_HOT void replace(struct lane *l, struct block *slots, uint64_t n, uint64_t ops)
{
	for (; ops; ops--) {
		struct block *k = &slots[lane_under(l, n)];

		bench_free(l, k->p, k->size);
		fill(l, k);
	}
}

static BENCH_HOT void empty(struct lane *l, struct block *slots, uint64_t n, struct odd *o)
{
	for (uint64_t i = 0; i < n; i++) {
		volatile char *bytes = slots[i].p;
		char tag = (char)slots[i].size;

		odd_note(o, (bytes[0] ^ tag) | (bytes[slots[i].size - 1] ^ tag), i, slots[i].size);
		bench_free(l, slots[i].p, slots[i].size);
	}
}

static void churn(struct bench *b, struct lane *l, void *arg)
{
	struct larson *la = arg;
	struct block *slots = la->slots + (size_t)(l->index - 1) * SLOTS;

	for (uint64_t left = la->round_ops; left;) {
		uint64_t n = left < BLOCKS_CHUNK ? left : BLOCKS_CHUNK;

		if (bench_is_over(b))
			return;
		replace(l, slots, SLOTS, n);
		left -= n;
	}
	if (b->stop_ns || --la->rounds[l->index].left)
		bench_succeed(b, l, churn, la);
}

static void run(struct bench *b, struct lane *l)
{
	struct larson *la = bench_memory(b, sizeof(*la));
	uint64_t n = (uint64_t)b->threads * SLOTS;
	struct odd odd = {0};

	la->slots = bench_memory(b, n * sizeof(*la->slots));
	la->round_ops = bench_scaled(b, ROUND_OPS);
	for (unsigned i = 0; i < BENCH_LANES; i++)
		la->rounds[i].left = ROUNDS;
	bench_phase(b, "setup", false);
	fill_all(l, la->slots, n);
	mix(l, la->slots, n);
	replace(l, la->slots, n, 4 * n);
	bench_phase(b, "churn", true);
	bench_threads(b, b->threads, churn, la);
	bench_phase(b, "drained", false);
	empty(l, la->slots, n, &odd);
	odd_judge(b, &odd);
}

const struct workload workload_larson = {
	.name = "larson",
	.summary = "a server's churn: each thread hands its blocks over to a successor",
	.threads = 2,
	.run = run,
};
