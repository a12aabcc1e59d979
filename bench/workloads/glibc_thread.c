/*
 * glibc-thread - each thread replaces random ones of its 1024 slots. Sizes are 4 to 32768 bytes, as
 * frequent as 1 / size^2: most are tiny. By its nature it runs for 3 s; as fixed work it is the
 * number of replacements that takes about as long.
 */
#include "bench/workloads/blocks.h"

#define SLOTS	1024
#define OPS	80000000 /* of each thread */
#define ENTRIES 4096

struct churn {
	uint32_t sizes[ENTRIES];
	struct slots {
		struct block slots[SLOTS];
	} lanes[];
};

/* The inverse of the distribution function; in advance, as dividing takes longer than allocating.
 */
static void sizes_fill(uint32_t *sizes)
{
	const double least = 4, most = 32768;

	for (unsigned i = 0; i < ENTRIES; i++) {
		double u = (double)i / (ENTRIES - 1);

		sizes[i] = (uint32_t)(1 / (1 / least - u * (1 / least - 1 / most)) + 0.5);
	}
}

static BENCH_HOT void replace(struct lane *l, struct block *slots, const uint32_t *sizes,
			      uint64_t ops)
{
	for (; ops; ops--) {
		uint64_t random = lane_random(l), at = random % SLOTS;
		struct block *k = &slots[at];

		if (k->p)
			bench_free(l, k->p, k->size);
		k->size = sizes[(random >> 32) % ENTRIES];
		k->p = bench_malloc(l, k->size);
		block_tag(k, at);
	}
}

static void work(struct bench *b, struct lane *l, void *arg)
{
	struct churn *c = arg;
	uint64_t left = bench_scaled(b, OPS), n;

	while ((n = blocks_more(b, &left)) != 0)
		replace(l, c->lanes[l->index - 1].slots, c->sizes, n);
}

static void run(struct bench *b, struct lane *l)
{
	struct churn *c = bench_memory(b, sizeof(*c) + b->threads * sizeof(c->lanes[0]));

	sizes_fill(c->sizes);
	bench_phase(b, "churn", true);
	bench_threads(b, b->threads, work, c);
	bench_phase(b, "drained", false);
	for (unsigned i = 0; i < b->threads; i++)
		blocks_drain(b, l, c->lanes[i].slots, SLOTS);
}

const struct workload workload_glibc_thread = {
	.name = "glibc-thread",
	.summary = "random replacements in 1024 slots a thread, sizes by inverse square",
	.threads = 2,
	.run = run,
};
