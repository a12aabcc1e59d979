/*
 * blowup - 11 threads one after the other, each of which needs as much as the one before.
 *
 * Each holds 100 MiB of blocks of up to 16 KiB, touched; then makes and frees 100,000 more of them,
 * one at a time; then frees all, and the next one begins. So 100 MiB are all that is ever needed,
 * but what is kept for each thread adds up to 11 times as much. The threads stay, idle, until the
 * last one is done, so that no allocator gains by their end.
 */
#include "bench/workloads/blocks.h"

#define THREADS	  11
#define BYTES	  ((uint64_t)100 << 20)
#define BYTES_MAX 16384
#define PAIRS	  100000
/* Half as long on average as they are: more than there can ever be. */
#define BLOCKS (BYTES / BYTES_MAX * 4)

struct blowup {
	uint64_t bytes, pairs, n;
	struct odd odd;
	struct block blocks[BLOCKS];
};

static BENCH_HOT void hold(struct lane *l, struct blowup *u)
{
	for (uint64_t bytes = 0; bytes < u->bytes && u->n < BLOCKS; u->n++) {
		struct block *k = &u->blocks[u->n];

		k->size = sizeof(uint32_t) + lane_under(l, BYTES_MAX - sizeof(uint32_t) + 1);
		k->p = bench_malloc(l, k->size);
		bench_touch(k->p, k->size);
		block_tag(k, u->n);
		bytes += k->size;
	}
}

static BENCH_HOT void pairs(struct lane *l, uint64_t n)
{
	for (; n; n--) {
		size_t size = 1 + lane_under(l, BYTES_MAX);
		volatile char *p = bench_malloc(l, size);

		*p = 1;
		bench_free(l, (void *)p, size);
	}
}

static void work(struct bench *b, struct lane *l, void *arg)
{
	struct blowup *u = arg;

	for (unsigned turn = 1; turn <= THREADS; turn++) {
		if (l->index == turn) {
			u->n = 0;
			hold(l, u);
			pairs(l, u->pairs);
			blocks_drain(b, l, u->blocks, u->n);
		}
		bench_meet(b);
	}
}

static void run(struct bench *b, struct lane *l)
{
	struct blowup *u = bench_memory(b, sizeof(*u));

	(void)l;
	u->bytes = bench_scaled(b, BYTES);
	u->pairs = bench_scaled(b, PAIRS);
	bench_phase(b, "turns", true);
	bench_threads(b, THREADS, work, u);
	/* Each thread has freed its blocks. */
	bench_phase(b, "drained", false);
}

const struct workload workload_blowup = {
	.name = "blowup",
	.summary = "11 threads in turn hold 100 MiB each: what is kept for each adds up",
	.only_fixed = true,
	.run = run,
};
