/*
 * cache-scratch, cache-thrash - whether blocks of different threads share a line of the cache: 1000
 * rounds of allocating 1 byte, writing it 2,000,000 / N times and freeing it, in each of N threads.
 *
 * An allocator makes such lines actively when it deals out one line to several threads (thrash),
 * and passively when a thread that frees another's block gets it back (scratch): there the main
 * thread makes N blocks side by side at first, and each thread frees one of them before it begins.
 */
#include "bench/workloads/blocks.h"

#define ROUNDS 1000
#define WRITES UINT64_C(2000000) /* of all threads in a round */

struct cache {
	void *given[BENCH_LANES]; /* NULL: none */
	bool odd[BENCH_LANES];
};

/* Reads and writes, as a counter would. Returns whether it was the only one to write. */
static BENCH_HOT bool write_one(struct lane *l, uint64_t writes)
{
	volatile unsigned char *p = bench_malloc(l, 1);
	unsigned char end = (unsigned char)(l->index + writes);
	bool ret;

	*p = (unsigned char)l->index;
	for (; writes; writes--)
		*p = (unsigned char)(*p + 1);
	ret = *p == end;
	bench_free(l, (void *)p, 1);
	return ret;
}

static void work(struct bench *b, struct lane *l, void *arg)
{
	struct cache *c = arg;
	bool fine = true;

	if (c->given[l->index])
		bench_free(l, c->given[l->index], 1);
	for (uint64_t left = bench_scaled(b, ROUNDS); left && !bench_is_over(b);) {
		fine &= write_one(l, WRITES / b->threads);
		left -= !b->stop_ns;
	}
	c->odd[l->index] = !fine;
}

static void write_all(struct bench *b, struct cache *c)
{
	bench_phase(b, "write", true);
	bench_threads(b, b->threads, work, c);
	for (unsigned i = 0; i < BENCH_LANES; i++)
		if (c->odd[i] && b->verify)
			bench_end(b, BENCH_END_WRONG_OUTPUT,
				  "another wrote into a block of 1 byte while it was in use");
	/* Each thread frees what it has. */
	bench_phase(b, "drained", false);
}

static void run_thrash(struct bench *b, struct lane *l)
{
	(void)l;
	write_all(b, bench_memory(b, sizeof(struct cache)));
}

static void run_scratch(struct bench *b, struct lane *l)
{
	struct cache *c = bench_memory(b, sizeof(*c));

	bench_phase(b, "setup", false);
	for (unsigned i = 1; i <= b->threads && i < BENCH_LANES; i++) {
		c->given[i] = bench_malloc(l, 1);
		*(volatile char *)c->given[i] = (char)i;
	}
	write_all(b, c);
}

const struct workload workload_cache_scratch = {
	.name = "cache-scratch",
	.summary = "threads that write to 1 byte, after freeing one of the main thread's",
	.threads = 2,
	.run = run_scratch,
};

const struct workload workload_cache_thrash = {
	.name = "cache-thrash",
	.summary = "threads that write to 1 byte of their own: do they share lines?",
	.threads = 2,
	.run = run_thrash,
};
