/*
 * kv-server - a single-threaded store of lists, as redis is under pipelined bursts of requests.
 *
 * A burst of up to 64 requests is read into one buffer. Of 100 requests, 60 append a string of 8 to
 * 64 bytes to a list (the string is a block until the burst is over, the list is one block that
 * grows by realloc, up to 8 KiB), 25 read up to 1 KiB from a list's head into a reply, which also
 * lives until the burst is over, 14 take a string from a list's end, and one deletes the list.
 * There are 10,000 keys, the later the rarer, linearly.
 */
#include "bench/workloads/blocks.h"

#define KEYS	     10000
#define REQUESTS     4000000
#define PIPELINE     64
#define STRING_WORDS 8
#define LIST_WORDS   1024 /* a list that would be longer is deleted, and begins anew */
#define REPLY_WORDS  128
#define REQUEST_SIZE 80 /* in the buffer of a burst, on average */
#define QUERY_SIZE   64 /* and what comes before them */

/* The word at `i` of a list is its key's first word + i. */
struct list {
	uint64_t *words;
	uint32_t n;
};

struct store {
	struct list lists[KEYS];
	struct block transient[PIPELINE]; /* strings and replies of the burst */
	unsigned ntransient;
	struct odd odd;
};

BENCH_INLINE uint64_t first_word(uint64_t key)
{
	return (key + 1) << 32;
}

BENCH_INLINE uint64_t draw_key(struct lane *l)
{
	uint64_t random = lane_random(l), one = random >> 32, other = (uint32_t)random;

	return ((one < other ? one : other) * KEYS) >> 32;
}

BENCH_INLINE uint64_t *transient(struct lane *l, struct store *s, size_t words)
{
	struct block *k = &s->transient[s->ntransient++];

	k->size = words * sizeof(uint64_t);
	k->p = bench_malloc(l, k->size);
	return k->p;
}

BENCH_INLINE void list_delete(struct lane *l, struct list *t)
{
	if (t->words)
		bench_free(l, t->words, t->n * sizeof(uint64_t));
	*t = (struct list){0};
}

BENCH_INLINE void list_resize(struct lane *l, struct list *t, uint32_t n)
{
	size_t size = n * sizeof(uint64_t);

	t->words = t->words ? bench_realloc(l, t->words, t->n * sizeof(uint64_t), size)
			    : bench_malloc(l, size);
	t->n = n;
}

BENCH_INLINE void list_append(struct lane *l, struct store *s, uint64_t key)
{
	struct list *t = &s->lists[key];
	uint32_t n = 1 + (uint32_t)lane_under(l, STRING_WORDS);
	volatile uint64_t *string = transient(l, s, n);

	words_fill((void *)string, n, first_word(key) + t->n);
	if (t->n + n > LIST_WORDS) {
		list_delete(l, t);
		words_fill((void *)string, n, first_word(key));
	}
	list_resize(l, t, t->n + n);
	for (uint32_t i = 0; i < n; i++)
		t->words[t->n - n + i] = string[i];
}

BENCH_INLINE void list_read(struct lane *l, struct store *s, uint64_t key)
{
	const struct list *t = &s->lists[key];
	uint32_t n = t->n < REPLY_WORDS ? t->n : REPLY_WORDS;
	volatile uint64_t *reply = transient(l, s, n + 1);
	uint64_t first = first_word(key), differ = 0;

	reply[0] = n;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t word = t->words[i];

		differ |= word ^ (first + i);
		reply[i + 1] = word;
	}
	odd_note(&s->odd, differ, key, t->n * sizeof(uint64_t));
}

BENCH_INLINE void list_pop(struct lane *l, struct list *t)
{
	uint32_t n = 1 + (uint32_t)lane_under(l, STRING_WORDS);

	/* A list that would be empty is no more. */
	if (n < t->n)
		list_resize(l, t, t->n - n);
	else
		list_delete(l, t);
}

static BENCH_HOT void burst(struct lane *l, struct store *s, unsigned requests)
{
	size_t size = QUERY_SIZE + (size_t)requests * REQUEST_SIZE;
	void *query = bench_malloc(l, size);

	bench_touch(query, size);
	for (; requests; requests--) {
		uint64_t key = draw_key(l), what = lane_under(l, 100);

		if (what < 60)
			list_append(l, s, key);
		else if (what < 85)
			list_read(l, s, key);
		else if (what < 99)
			list_pop(l, &s->lists[key]);
		else
			list_delete(l, &s->lists[key]);
	}
	bench_free(l, query, size);
	for (unsigned i = 0; i < s->ntransient; i++)
		bench_free(l, s->transient[i].p, s->transient[i].size);
	s->ntransient = 0;
}

static BENCH_HOT void empty(struct lane *l, struct store *s)
{
	for (unsigned i = 0; i < KEYS; i++) {
		struct list *t = &s->lists[i];

		odd_note(&s->odd, words_differ(t->words, t->n, first_word(i)), i,
			 t->n * sizeof(uint64_t));
		list_delete(l, t);
	}
}

static void run(struct bench *b, struct lane *l)
{
	struct store *s = bench_memory(b, sizeof(*s));

	bench_phase(b, "bursts", true);
	for (uint64_t left = bench_scaled(b, REQUESTS); left && !bench_is_over(b);) {
		unsigned n = 1 + (unsigned)lane_under(l, PIPELINE);

		n = n < left ? n : (unsigned)left;
		burst(l, s, n);
		left -= b->stop_ns ? 0 : n;
	}
	odd_judge(b, &s->odd);
	bench_phase(b, "drained", false);
	empty(l, s);
	odd_judge(b, &s->odd);
}

const struct workload workload_kv_server = {
	.name = "kv-server",
	.summary = "lists that grow by realloc under bursts of requests, after redis",
	.run = run,
};
