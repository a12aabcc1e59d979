/*
 * Tiny short-lived blocks, as a program has that factors with numbers of many digits: half die
 * within 4 allocations, 99 of 100 within 64, and the rest stay for long: 24k of them.
 *
 * Blocks that die soon are on a wheel of lists, by the allocation before which they are freed: they
 * die in clusters, as many as it may be at one time. The others are in a ring, whose oldest makes
 * room.
 */
#include <calls.h>

#define ALLOCATIONS 8000000
#define BATCH	    100000
#define WHEEL	    128
#define OLD	    23950

struct entry {
	void *p;
	uint32_t size, tag;
	struct entry *next; /* that dies with it */
};

struct cfrac {
	struct entry *wheel[WHEEL];
	/* At the allocation that made it: all of them die before it comes round. */
	struct entry young[WHEEL];
	struct entry old[OLD];
	uint64_t now; /* allocations made */
	uint64_t next_old;
	uint64_t wrong; /* blocks whose content changed */
};

/* p50 18, p90 28, at most 4096 bytes. */
BENCH_INLINE uint32_t draw_size(struct lane *l)
{
	uint64_t share = lane_under(l, 1000);

	if (share < 500)
		return 10 + 2 * (uint32_t)lane_under(l, 5);
	if (share < 900)
		return 20 + 2 * (uint32_t)lane_under(l, 5);
	if (share < 999)
		return 30 + 2 * (uint32_t)lane_under(l, 42);
	return 114 + 2 * (uint32_t)lane_under(l, 1992);
}

/* In allocations; 0: for long. */
BENCH_INLINE uint64_t draw_life(struct lane *l)
{
	uint64_t share = lane_under(l, 100);

	if (share < 50)
		return 1 + lane_under(l, 4);
	return share < 99 ? 5 + lane_under(l, 60) : 0;
}

BENCH_INLINE void entry_end(struct lane *l, struct cfrac *c, struct entry *e)
{
	uint32_t tag;

	if (!e->p)
		return;
	__builtin_memcpy(&tag, e->p, sizeof(tag));
	c->wrong += tag != e->tag;
	bench_free(l, e->p, e->size);
	e->p = NULL;
}

BENCH_INLINE void young_end(struct lane *l, struct cfrac *c, struct entry **list)
{
	for (; *list; *list = (*list)->next)
		entry_end(l, c, *list);
}

BENCH_INLINE struct entry *young_begin(struct cfrac *c, uint64_t life)
{
	struct entry *e = &c->young[c->now % WHEEL], **list = &c->wheel[(c->now + life) % WHEEL];

	e->next = *list;
	*list = e;
	return e;
}

BENCH_HOT static void churn(struct lane *l, struct cfrac *c, uint64_t n)
{
	for (uint64_t end = c->now + n; c->now < end; c->now++) {
		uint64_t life = draw_life(l);
		struct entry *e;

		young_end(l, c, &c->wheel[c->now % WHEEL]);
		if (life) {
			e = young_begin(c, life);
		} else {
			e = &c->old[c->next_old++ % OLD];
			entry_end(l, c, e);
		}
		e->size = draw_size(l);
		e->tag = (uint32_t)c->now;
		e->p = bench_malloc(l, e->size);
		__builtin_memcpy(e->p, &e->tag, sizeof(e->tag));
	}
}

BENCH_HOT static void end_all(struct lane *l, struct cfrac *c)
{
	for (unsigned i = 0; i < WHEEL; i++)
		young_end(l, c, &c->wheel[i]);
	for (unsigned i = 0; i < OLD; i++)
		entry_end(l, c, &c->old[i]);
}

static void run(struct bench *b, struct lane *l)
{
	struct cfrac *c = bench_memory(b, sizeof(*c));
	uint64_t total = bench_scaled(b, ALLOCATIONS);

	bench_phase(b, "churn", true);
	while (b->stop_ns ? !bench_is_over(b) : c->now < total)
		churn(l, c, b->stop_ns || total - c->now > BATCH ? BATCH : total - c->now);
	bench_phase(b, "free", false);
	end_all(l, c);
	if (b->verify && c->wrong)
		bench_end(b, BENCH_END_WRONG_OUTPUT, "the content of a block changed");
}

const struct workload workload_cfrac = {
	.name = "cfrac",
	.summary = "one thread; tiny blocks, half of which die within 4 allocations",
	.run = run,
};
