/*
 * xmalloc, xmalloc-sizes - N threads allocate and N others free: nearly every block is freed by
 * another thread.
 *
 * A producer allocates and touches 4096 blocks and puts them, as one batch, on top of a locked pile
 * of at most 100; a consumer takes the topmost and frees its blocks. All blocks have 64 bytes, or
 * one of 17 sizes from 8 to 2048 in steps of the square root of 2.
 */
#include <pthread.h>

#include "bench/workloads/blocks.h"

#define PILE	    100
#define BLOCKS	    4096
#define BATCHES	    1000 /* of each producer */
#define KINDS	    17
#define CHECK_EVERY 64

struct batch {
	struct batch *next;
	void *blocks[BLOCKS];
	uint8_t kind[BLOCKS]; /* of size */
};

struct sizes {
	unsigned n;
	uint16_t bytes[KINDS];
};

struct pile {
	pthread_mutex_t lock;
	pthread_cond_t room, more;
	struct batch *full, *spare;
	unsigned nfull, producers; /* producers: that have not ended */
	const struct sizes *sizes;
};

static const struct sizes one = {1, {64}};
static const struct sizes many = {
	KINDS, {8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048}};

static BENCH_HOT void batch_fill(struct lane *l, struct batch *t, const struct sizes *sizes)
{
	for (unsigned i = 0; i < BLOCKS; i++) {
		unsigned kind = (unsigned)lane_under(l, sizes->n);
		struct block k = {.size = sizes->bytes[kind]};

		k.p = bench_malloc(l, k.size);
		block_tag(&k, i);
		t->kind[i] = (uint8_t)kind;
		t->blocks[i] = k.p;
	}
}

/* Consumers have nothing to read in blocks, so only a few are looked at. */
static BENCH_HOT void batch_empty(struct lane *l, struct batch *t, const struct sizes *sizes,
				  struct odd *o)
{
	for (unsigned i = 0; i < BLOCKS; i++) {
		struct block k = {t->blocks[i], sizes->bytes[t->kind[i]]};

		if (i % CHECK_EVERY == 0)
			block_check(&k, i, o);
		bench_free(l, k.p, k.size);
	}
}

static struct batch *pop(struct batch **list)
{
	struct batch *t = *list;

	*list = t->next;
	return t;
}

static void push(struct batch **list, struct batch *t)
{
	t->next = *list;
	*list = t;
}

static void produce(struct bench *b, struct lane *l, struct pile *p)
{
	for (uint64_t left = bench_scaled(b, BATCHES); left && !bench_is_over(b);) {
		pthread_mutex_lock(&p->lock);
		/* There are as many as can be on the pile and in hands. */
		struct batch *t = pop(&p->spare);
		pthread_mutex_unlock(&p->lock);
		batch_fill(l, t, p->sizes);
		pthread_mutex_lock(&p->lock);
		while (p->nfull == PILE)
			pthread_cond_wait(&p->room, &p->lock);
		push(&p->full, t);
		p->nfull++;
		pthread_cond_signal(&p->more);
		pthread_mutex_unlock(&p->lock);
		left -= !b->stop_ns;
	}
	pthread_mutex_lock(&p->lock);
	p->producers--;
	pthread_cond_broadcast(&p->more);
	pthread_mutex_unlock(&p->lock);
}

static void consume(struct bench *b, struct lane *l, struct pile *p)
{
	struct odd odd = {0};

	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (!p->nfull && p->producers)
			pthread_cond_wait(&p->more, &p->lock);
		if (!p->nfull)
			break;
		struct batch *t = pop(&p->full);

		p->nfull--;
		pthread_cond_signal(&p->room);
		pthread_mutex_unlock(&p->lock);
		batch_empty(l, t, p->sizes, &odd);
		odd_judge(b, &odd);
		pthread_mutex_lock(&p->lock);
		push(&p->spare, t);
	}
	pthread_mutex_unlock(&p->lock);
}

static void work(struct bench *b, struct lane *l, void *arg)
{
	if (l->index <= b->threads)
		produce(b, l, arg);
	else
		consume(b, l, arg);
}

static void run_sizes(struct bench *b, const struct sizes *sizes)
{
	struct pile *p = bench_memory(b, sizeof(*p));
	size_t n = PILE + 2 * (size_t)b->threads;
	struct batch *batches = bench_memory(b, n * sizeof(*batches));

	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->room, NULL);
	pthread_cond_init(&p->more, NULL);
	p->sizes = sizes;
	p->producers = b->threads;
	for (size_t i = 0; i < n; i++)
		push(&p->spare, &batches[i]);
	bench_phase(b, "handed-over", true);
	bench_threads(b, 2 * b->threads, work, p);
	/* Every batch was consumed. */
	bench_phase(b, "drained", false);
}

static void run(struct bench *b, struct lane *l)
{
	(void)l;
	run_sizes(b, &one);
}

static void run_many(struct bench *b, struct lane *l)
{
	(void)l;
	run_sizes(b, &many);
}

const struct workload workload_xmalloc = {
	.name = "xmalloc",
	.summary = "N threads allocate 64 bytes in batches, N others free them",
	.threads = 2,
	.run = run,
};

const struct workload workload_xmalloc_sizes = {
	.name = "xmalloc-sizes",
	.summary = "N threads allocate 8 to 2048 bytes in batches, N others free them",
	.threads = 2,
	.run = run_many,
};
