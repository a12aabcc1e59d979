/*
 * 300k blocks are allocated, touched and freed in random order, all of them or all but every 20th:
 * what counts is what comes back to the kernel afterwards (struct bench_request_in, after). In the
 * order of allocation neighbours would merge as they come, and jemalloc gives long runs back at
 * once.
 */
#include <calls.h>

#define BLOCKS	  300000
#define SIZE_MIN  512
#define SIZE_SPAN 1537 /* to 2048 */
#define KEEP	  20

struct block {
	void *p;
	uint32_t size, kept;
};

BENCH_HOT static void fill(struct lane *l, struct block *blocks, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		blocks[i].size = (uint32_t)(SIZE_MIN + lane_under(l, SIZE_SPAN));
		blocks[i].p = bench_malloc(l, blocks[i].size);
		bench_touch(blocks[i].p, blocks[i].size);
	}
}

BENCH_HOT static void drain(struct lane *l, const struct block *blocks, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (!blocks[i].kept)
			bench_free(l, blocks[i].p, blocks[i].size);
}

/* Every so many as they were allocated stay; 0: none. */
static void shuffle(struct lane *l, struct block *blocks, uint64_t n, uint64_t keep)
{
	for (uint64_t i = 0; keep && i < n; i += keep)
		blocks[i].kept = 1;
	for (uint64_t i = n; i > 1; i--) {
		uint64_t other = lane_under(l, i);
		struct block last = blocks[i - 1];

		blocks[i - 1] = blocks[other];
		blocks[other] = last;
	}
}

static void run_keeping(struct bench *b, struct lane *l, uint64_t keep)
{
	uint64_t n = bench_scaled(b, BLOCKS);
	struct block *blocks = bench_memory(b, n * sizeof(*blocks));

	bench_phase(b, "fill", true);
	fill(l, blocks, n);
	bench_phase(b, "shuffle", false);
	shuffle(l, blocks, n, keep);
	bench_phase(b, "free", true);
	drain(l, blocks, n);
}

static void run_all(struct bench *b, struct lane *l)
{
	run_keeping(b, l, 0);
}

static void run_1_in_20(struct bench *b, struct lane *l)
{
	run_keeping(b, l, KEEP);
}

const struct workload workload_drain = {
	.name = "drain",
	.summary = "300k blocks of 0.5 to 2 KiB, touched, then all freed at random",
	.only_fixed = true,
	.run = run_all,
};

const struct workload workload_drain_1_in_20 = {
	.name = "drain-1-in-20",
	.summary = "300k blocks of 0.5 to 2 KiB, touched, then freed at random but for every 20th",
	.only_fixed = true,
	.run = run_1_in_20,
};
