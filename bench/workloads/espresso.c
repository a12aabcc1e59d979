/*
 * espresso - one thread, small blocks of which most die young: half of the sizes are up to 48
 * bytes, 90 % up to 88, 99 % up to 1136, all up to 55 KB; half of the blocks live for less than 64
 * allocations, 90 % for less than 2048, and 4400 of them, 0.44 MB, are live at the peak. Of 100
 * calls one is a realloc of a random block to another such size. The largest 1 % die within 4
 * allocations.
 *
 * Deaths stand on a wheel: the blocks that end before the n-th allocation are a list in place n.
 */
#include "bench/workloads/blocks.h"
#include "bench/workloads/quantiles.h"

#define ALLOCATIONS 16000000
#define WHEEL	    (1U << 17) /* more than any life */
#define PLACES	    8192       /* of blocks; 60 standard deviations more than are live */
#define SIZE_LARGE  1136
#define REALLOCS    22 /* in 1000 allocations; not all of them meet a block */

static const struct quantile sizes[] = {
	{.share = 0.5, .most = 48, .bend = 1},
	{.share = 0.9, .most = 88, .bend = 1},
	{.share = 0.99, .most = SIZE_LARGE, .bend = 2},
	{.share = 1, .most = 55 << 10, .bend = 20},
};

/* In allocations. The last stretch is what makes 4200 live on average, and 4400 at the peak. */
static const struct quantile lives[] = {
	{.share = 0.5, .most = 60, .bend = 3},
	{.share = 0.9, .most = 2000, .bend = 2},
	{.share = 1, .most = 76000, .bend = 1},
};

struct place {
	void *p; /* NULL: none */
	uint32_t size, next;
};

struct espresso {
	uint32_t sizes[QUANTILES_ENTRIES], lives[QUANTILES_ENTRIES];
	/* Of lists of places; 0 is none. */
	uint32_t wheel[WHEEL], spare;
	struct place places[PLACES];
	uint64_t now;  /* allocations made */
	uint32_t most; /* places that were ever used are up to here */
	struct odd odd;
};

BENCH_INLINE uint32_t draw(struct lane *l, const uint32_t *table)
{
	return table[lane_random(l) % QUANTILES_ENTRIES];
}

BENCH_INLINE void tag(struct place *k)
{
	*(volatile uint32_t *)k->p = k->size;
}

BENCH_INLINE void check(const struct place *k, uint32_t at, struct odd *o)
{
	odd_note(o, *(volatile uint32_t *)k->p ^ k->size, at, k->size);
}

BENCH_INLINE void end_of(struct lane *l, struct espresso *e, uint32_t *list)
{
	while (*list) {
		uint32_t at = *list;
		struct place *k = &e->places[at];

		check(k, at, &e->odd);
		bench_free(l, k->p, k->size);
		k->p = NULL;
		*list = k->next;
		k->next = e->spare;
		e->spare = at;
	}
}

BENCH_INLINE void begin(struct lane *l, struct espresso *e, uint32_t at)
{
	struct place *k = &e->places[at];
	uint64_t life = draw(l, e->lives);

	e->spare = k->next;
	e->most = at > e->most ? at : e->most;
	k->size = draw(l, e->sizes);
	k->p = bench_malloc(l, k->size);
	tag(k);
	/* Large ones live short: else the few of them would be most of what is live. */
	if (k->size > SIZE_LARGE)
		life = 1 + life % 4;
	uint32_t *list = &e->wheel[(e->now + life) % WHEEL];

	k->next = *list;
	*list = at;
}

BENCH_INLINE void resize(struct lane *l, struct espresso *e)
{
	uint32_t at = 1 + (uint32_t)lane_under(l, e->most), size = draw(l, e->sizes);
	struct place *k = &e->places[at];
	void *p = k->p;

	/* What lives long must not become large. */
	if (!p || size > SIZE_LARGE)
		return;
	k->p = bench_realloc(l, p, k->size, size);
	check(k, at, &e->odd);
	k->size = size;
	tag(k);
}

/* Returns whether there were places enough. */
static BENCH_HOT bool churn(struct lane *l, struct espresso *e, uint64_t n)
{
	for (; n && e->spare; n--, e->now++) {
		end_of(l, e, &e->wheel[e->now % WHEEL]);
		begin(l, e, e->spare);
		if (lane_under(l, 1000) < REALLOCS)
			resize(l, e);
	}
	return !n;
}

static BENCH_HOT void end_all(struct lane *l, struct espresso *e)
{
	for (unsigned i = 0; i < WHEEL; i++)
		end_of(l, e, &e->wheel[i]);
}

static void run(struct bench *b, struct lane *l)
{
	struct espresso *e = bench_memory(b, sizeof(*e));
	uint64_t left = bench_scaled(b, ALLOCATIONS), n;

	quantiles_fill(e->sizes, 8, sizes);
	quantiles_fill(e->lives, 1, lives);
	for (uint32_t i = 1; i + 1 < PLACES; i++)
		e->places[i].next = i + 1;
	e->spare = 1;
	bench_phase(b, "churn", true);
	while ((n = blocks_more(b, &left)) != 0)
		if (!churn(l, e, n))
			bench_end(b, BENCH_END_BROKEN, "more blocks are live than can be");
	odd_judge(b, &e->odd);
	bench_phase(b, "drained", false);
	end_all(l, e);
	odd_judge(b, &e->odd);
}

const struct workload workload_espresso = {
	.name = "espresso",
	.summary = "one thread; small blocks, of which half live for less than 64 allocations",
	.run = run,
};
