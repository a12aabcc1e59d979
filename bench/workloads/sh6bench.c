/*
 * sh6bench-like - a ring of blocks that are freed in and against the order of their making.
 *
 * For a base of 1, 2, 4, 7 and so on (one and a half times as much and one) below 1000, and for
 * sizes from the base down by halves: 250 blocks, or 50 if they have 100 bytes and more. Whenever
 * the ring is full, a window of a fifth of it is kept, what lies before is freed in order, what
 * lies behind in reverse, and the window moves on by its length. Each thread does all of it again
 * and again.
 */
#include "bench/workloads/blocks.h"

#define RING   4000
#define WINDOW (RING / 5)
#define PASSES 1600

struct ring {
	struct block blocks[RING];
	unsigned used;	 /* all before it are full */
	unsigned window; /* where the next one to be kept begins */
	struct odd odd;
};

BENCH_INLINE void end(struct lane *l, struct ring *r, unsigned at)
{
	struct block *k = &r->blocks[at];

	odd_note(&r->odd, (uint8_t)(*(volatile char *)k->p ^ (char)at), at, k->size);
	bench_free(l, k->p, k->size);
	k->p = NULL;
}

BENCH_INLINE void turn(struct lane *l, struct ring *r)
{
	for (unsigned i = 0; i < r->window; i++)
		end(l, r, i);
	for (unsigned i = RING; i > r->window + WINDOW; i--)
		end(l, r, i - 1);
	r->window = (r->window + WINDOW) % RING;
	r->used = 0;
}

/* The next empty place: there is one behind the blocks that were kept. */
BENCH_INLINE unsigned place(struct lane *l, struct ring *r)
{
	while (r->used < RING && r->blocks[r->used].p)
		r->used++;
	if (r->used == RING)
		turn(l, r);
	while (r->blocks[r->used].p)
		r->used++;
	return r->used;
}

static BENCH_HOT void pass(struct lane *l, struct ring *r)
{
	for (size_t base = 1; base < 1000; base = base + base / 2 + 1) {
		for (size_t size = base; size; size /= 2) {
			for (unsigned n = size < 100 ? 250 : 50; n; n--) {
				unsigned at = place(l, r);
				struct block *k = &r->blocks[at];

				k->size = size;
				k->p = bench_malloc(l, size);
				*(volatile char *)k->p = (char)at;
			}
		}
	}
}

static BENCH_HOT void empty(struct lane *l, struct ring *r)
{
	for (unsigned i = 0; i < RING; i++)
		if (r->blocks[i].p)
			end(l, r, i);
}

static void work(struct bench *b, struct lane *l, void *arg)
{
	struct ring *r = (struct ring *)arg + l->index;

	for (uint64_t left = bench_scaled(b, PASSES); left && !bench_is_over(b);) {
		pass(l, r);
		left -= !b->stop_ns;
	}
	odd_judge(b, &r->odd);
}

static void run(struct bench *b, struct lane *l)
{
	struct ring *rings = bench_memory(b, (b->threads + 1) * sizeof(*rings));

	bench_phase(b, "passes", true);
	bench_threads(b, b->threads, work, rings);
	bench_phase(b, "drained", false);
	for (unsigned i = 1; i <= b->threads; i++) {
		empty(l, &rings[i]);
		odd_judge(b, &rings[i].odd);
	}
}

const struct workload workload_sh6bench_like = {
	.name = "sh6bench-like",
	.summary = "a ring of blocks, freed in order before a sliding window and in reverse behind",
	.threads = 2,
	.run = run,
};
