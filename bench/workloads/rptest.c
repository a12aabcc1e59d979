/*
 * rptest - threads with slots of their own that also send batches to each other. Sizes are 8 to
 * 16000 bytes, the larger the rarer, linearly.
 *
 * In each of 500 loops a thread frees what was sent to it, frees 24 to 79 of its 1000 slots and
 * then fills 30 to 99 of them, going through them by two prime strides; one word in every page is
 * written. In every second loop it makes another such batch for the next thread. After 500 loops
 * all have freed everything, and the next round begins.
 */
#include "bench/workloads/blocks.h"

#define SLOTS	    1000
#define LOOPS	    500
#define ROUNDS	    15
#define STRIDE_FREE 7
#define STRIDE_FILL 13
#define BYTES_MIN   8
#define BYTES_MAX   16000
#define BATCH_MIN   30
#define BATCH_MAX   99

struct batch {
	struct batch *next;
	unsigned n;
	struct block blocks[BATCH_MAX];
};

struct mate {
	_Alignas(64) struct batch *_Atomic inbox;
	struct block *slots;
	struct batch *batches; /* one for every second loop: in use until the round is over */
	unsigned at_free, at_fill;
	struct odd odd;
};

struct team {
	struct mate mates[BENCH_LANES];
	_Atomic bool over;
};

/* The smaller of two equally distributed numbers falls off linearly. */
BENCH_INLINE void block_new(struct lane *l, struct block *k, uint64_t slot)
{
	uint64_t random = lane_random(l), one = random >> 32, other = (uint32_t)random;

	k->size = BYTES_MIN + (((one < other ? one : other) * (BYTES_MAX - BYTES_MIN + 1)) >> 32);
	k->p = bench_malloc(l, k->size);
	bench_touch(k->p, k->size);
	block_tag(k, slot);
}

BENCH_INLINE void block_end(struct lane *l, struct block *k, uint64_t slot, struct odd *o)
{
	if (!k->p)
		return;
	block_check(k, slot, o);
	bench_free(l, k->p, k->size);
	k->p = NULL;
}

static BENCH_HOT void inbox_empty(struct lane *l, struct mate *m)
{
	struct batch *t = atomic_exchange(&m->inbox, NULL);

	for (; t; t = t->next)
		for (unsigned i = 0; i < t->n; i++)
			block_end(l, &t->blocks[i], i, &m->odd);
}

static BENCH_HOT void slots_change(struct lane *l, struct mate *m)
{
	for (uint64_t n = 24 + lane_under(l, 79 - 24 + 1); n; n--) {
		block_end(l, &m->slots[m->at_free], m->at_free, &m->odd);
		m->at_free = (m->at_free + STRIDE_FREE) % SLOTS;
	}
	for (uint64_t n = BATCH_MIN + lane_under(l, BATCH_MAX - BATCH_MIN + 1); n; n--) {
		block_end(l, &m->slots[m->at_fill], m->at_fill, &m->odd);
		block_new(l, &m->slots[m->at_fill], m->at_fill);
		m->at_fill = (m->at_fill + STRIDE_FILL) % SLOTS;
	}
}

static BENCH_HOT void batch_send(struct lane *l, struct batch *t, struct mate *to)
{
	t->n = (unsigned)(BATCH_MIN + lane_under(l, BATCH_MAX - BATCH_MIN + 1));
	for (unsigned i = 0; i < t->n; i++)
		block_new(l, &t->blocks[i], i);
	t->next = atomic_load(&to->inbox);
	while (!atomic_compare_exchange_weak(&to->inbox, &t->next, t))
		;
}

static BENCH_HOT void slots_empty(struct lane *l, struct mate *m)
{
	for (unsigned i = 0; i < SLOTS; i++)
		block_end(l, &m->slots[i], i, &m->odd);
}

static void work(struct bench *b, struct lane *l, void *arg)
{
	struct team *team = arg;
	struct mate *own = &team->mates[l->index], *next = &team->mates[l->index % b->threads + 1];

	for (uint64_t left = bench_scaled(b, ROUNDS); left && !team->over; left -= !b->stop_ns) {
		for (unsigned i = 0; i < LOOPS; i++) {
			inbox_empty(l, own);
			slots_change(l, own);
			if (i % 2)
				batch_send(l, &own->batches[i / 2], next);
		}
		/* Nobody sends any more, and then nobody has a batch of another's. */
		bench_meet(b);
		inbox_empty(l, own);
		slots_empty(l, own);
		odd_judge(b, &own->odd);
		if (l->index == 1 && bench_is_over(b))
			team->over = true;
		bench_meet(b);
	}
}

static void run(struct bench *b, struct lane *l)
{
	struct team *team = bench_memory(b, sizeof(*team));

	(void)l;
	for (unsigned i = 1; i <= b->threads && i < BENCH_LANES; i++) {
		team->mates[i].slots = bench_memory(b, SLOTS * sizeof(struct block));
		team->mates[i].batches = bench_memory(b, LOOPS / 2 * sizeof(struct batch));
	}
	bench_phase(b, "rounds", true);
	bench_threads(b, b->threads, work, team);
	/* Everything was freed when the last round ended. */
	bench_phase(b, "drained", false);
}

const struct workload workload_rptest = {
	.name = "rptest",
	.summary = "threads with slots of 8 to 16000 bytes that also free what others send",
	.threads = 2,
	.run = run,
};
