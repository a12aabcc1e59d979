/*
 * After glibc's benchtests/bench-malloc-simple: n blocks of one size are allocated and freed in the
 * same order, by a process that never had a thread, by a second thread, and by the main thread
 * again, when a thread has been there.
 */
#include <calls.h>

#define BLOCK_BYTES  128
#define BLOCKS_MAX   1600
#define PHASE_BLOCKS 1000000

struct simple {
	void **blocks;
	unsigned n;
	uint64_t rounds;
};

BENCH_HOT static void rounds(struct lane *l, const struct simple *s)
{
	for (uint64_t r = 0; r < s->rounds; r++) {
		for (unsigned i = 0; i < s->n; i++)
			s->blocks[i] = bench_malloc(l, BLOCK_BYTES);
		for (unsigned i = 0; i < s->n; i++)
			bench_free(l, s->blocks[i], BLOCK_BYTES);
	}
}

static void on_thread(struct bench *b, struct lane *l, void *arg)
{
	(void)b;
	rounds(l, arg);
}

static void run(struct bench *b, struct lane *l)
{
	static const unsigned counts[] = {25, 100, 400, BLOCKS_MAX};
	static const char *const names[][4] = {
		{"main-25", "main-100", "main-400", "main-1600"},
		{"thread-25", "thread-100", "thread-400", "thread-1600"},
		{"main-again-25", "main-again-100", "main-again-400", "main-again-1600"},
	};
	struct simple s = {.blocks = bench_memory(b, BLOCKS_MAX * sizeof(void *))};

	for (unsigned who = 0; who < 3; who++) {
		for (unsigned i = 0; i < 4; i++) {
			s.n = counts[i];
			s.rounds = bench_scaled(b, PHASE_BLOCKS / s.n);
			bench_phase(b, names[who][i], true);
			if (who == 1)
				bench_threads(b, 1, on_thread, &s);
			else
				rounds(l, &s);
		}
	}
}

const struct workload workload_glibc_simple = {
	.name = "glibc-simple",
	.summary = "25 to 1600 blocks of 128 B, freed in order: main, a thread, main again",
	.only_fixed = true,
	.run = run,
};
