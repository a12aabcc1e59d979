/*
 * alloc-test - 2^18 / N slots a thread, of which few are used often: each time 80 % of all go to 20
 * % of the slots, and so on in both parts, six times. A slot that is full is read and freed, one
 * that is empty gets a block, which is filled. A block's size is in a class (2^k, 2^(k+1)] from k =
 * 2 on, each half as frequent as the one before, up to 1 KiB. Half of the slots are full at first.
 */
#include "bench/workloads/blocks.h"

#define SLOTS	(1U << 18)
#define OPS	30000000 /* of all threads */
#define LEVELS	6
#define CLASSES 8 /* the last is (512, 1024] */

struct alloc_test {
	struct block *slots; /* of all threads, side by side */
	uint64_t each;
	struct odd odd[BENCH_LANES];
};

/* Ten random bits decide on each level. */
BENCH_INLINE uint64_t pick(struct lane *l, uint64_t n)
{
	uint64_t bits = lane_random(l), from = 0;

	for (unsigned i = 0; i < LEVELS; i++, bits >>= 10) {
		bool often = (bits & 1023) < 819;
		uint64_t few = n / 5;

		from += often ? 0 : few;
		n = often ? few : n - few;
	}
	return from + lane_under(l, n);
}

BENCH_INLINE size_t draw_size(struct lane *l)
{
	uint64_t bits = lane_random(l);
	unsigned k = 2 + (unsigned)__builtin_ctzll(bits | UINT64_C(1) << (CLASSES - 1));

	return (UINT64_C(1) << k) + 1 + ((bits >> 32) & ((UINT64_C(1) << k) - 1));
}

/* Whole words, then bytes; of the slot. */
BENCH_INLINE void fill(const struct block *k, uint64_t at)
{
	words_fill(k->p, k->size / 8, at);
	for (size_t i = k->size & ~(size_t)7; i < k->size; i++)
		((volatile unsigned char *)k->p)[i] = (unsigned char)at;
}

BENCH_INLINE uint64_t differ(const struct block *k, uint64_t at)
{
	uint64_t ret = words_differ(k->p, k->size / 8, at);

	for (size_t i = k->size & ~(size_t)7; i < k->size; i++)
		ret |= ((volatile unsigned char *)k->p)[i] ^ (unsigned char)at;
	return ret;
}

BENCH_INLINE void take(struct lane *l, struct block *k, uint64_t at)
{
	k->size = draw_size(l);
	k->p = bench_malloc(l, k->size);
	fill(k, at);
}

BENCH_INLINE void give(struct lane *l, struct block *k, uint64_t at, struct odd *o)
{
	odd_note(o, differ(k, at), at, k->size);
	bench_free(l, k->p, k->size);
	k->p = NULL;
}

static BENCH_HOT void fill_half(struct lane *l, struct block *slots, uint64_t n)
{
	for (uint64_t i = 0; i < n; i += 2)
		take(l, &slots[i], i);
}

static BENCH_HOT void change(struct lane *l, struct block *slots, uint64_t n, uint64_t ops,
			     struct odd *o)
{
	for (; ops; ops--) {
		uint64_t at = pick(l, n);

		if (slots[at].p)
			give(l, &slots[at], at, o);
		else
			take(l, &slots[at], at);
	}
}

static BENCH_HOT void empty(struct lane *l, struct block *slots, uint64_t n, struct odd *o)
{
	for (uint64_t i = 0; i < n; i++)
		if (slots[i].p)
			give(l, &slots[i], i, o);
}

static void work(struct bench *b, struct lane *l, void *arg)
{
	struct alloc_test *t = arg;
	struct block *slots = t->slots + (l->index - 1) * t->each;
	struct odd *odd = &t->odd[l->index];
	uint64_t left = bench_scaled(b, OPS) / b->threads, n;

	fill_half(l, slots, t->each);
	while ((n = blocks_more(b, &left)) != 0)
		change(l, slots, t->each, n, odd);
	odd_judge(b, odd);
}

static void run(struct bench *b, struct lane *l)
{
	struct alloc_test *t = bench_memory(b, sizeof(*t));

	t->each = SLOTS / b->threads;
	t->slots = bench_memory(b, SLOTS * sizeof(*t->slots));
	bench_phase(b, "change", true);
	bench_threads(b, b->threads, work, t);
	bench_phase(b, "drained", false);
	for (unsigned i = 0; i < b->threads; i++)
		empty(l, t->slots + i * t->each, t->each, &t->odd[i + 1]);
	for (unsigned i = 0; i < b->threads; i++)
		odd_judge(b, &t->odd[i + 1]);
}

const struct workload workload_alloc_test = {
	.name = "alloc-test",
	.summary = "slots of which few are used often, filled and read in full",
	.threads = 2,
	.run = run,
};
