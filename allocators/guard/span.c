#include "allocators/guard/span.h"

#include <stdatomic.h>

#include "allocators/guard/fork.h"
#include "allocators/guard/size_class.h"

#define SHARDS 16u

struct shard {
	struct lock lock;
	struct span *open[CLASS_COUNT]; /* spans with a free block */
} __attribute__((aligned(64)));

static struct shard shards[SHARDS];
static atomic_uint threads_seen;
/* 1 + the thread's shard; 0: it has not allocated yet. */
static _Thread_local unsigned own_shard __attribute__((tls_model("initial-exec")));

static void __attribute__((noinline)) own_shard_choose(void)
{
	own_shard = 1 + atomic_fetch_add_explicit(&threads_seen, 1, memory_order_relaxed) % SHARDS;
	fork_prepare_once(); /* may allocate; the shard is set by now */
}

void span_prepare(void)
{
	if (__builtin_expect(!own_shard, 0))
		own_shard_choose();
}

static void span_list(struct shard *shard, struct span *s)
{
	struct span **head = &shard->open[s->class];

	s->prev = NULL;
	s->next = *head;
	if (*head)
		(*head)->prev = s;
	*head = s;
	s->listed = 1;
}

static void span_unlist(struct shard *shard, struct span *s)
{
	if (s->prev)
		s->prev->next = s->next;
	else
		shard->open[s->class] = s->next;
	if (s->next)
		s->next->prev = s->prev;
	s->listed = 0;
}

static struct span *span_new(struct shard *shard, unsigned class)
{
	size_t size = class_size(class);
	struct span_shape shape = span_shape(size);
	bool zero = false;
	struct span *s = slab_span_new(shape.pages, &zero);

	if (!s)
		return NULL;
	s->inverse = (uint32_t)((((uint64_t)1 << 32) + size - 1) / size);
	s->used = 0;
	s->blocks = (uint16_t)shape.blocks;
	s->fresh = zero ? 0 : s->blocks;
	s->class = (uint8_t) class;
	s->shard = (uint8_t)(shard - shards);
	s->hint = 0;
	if (s->blocks % 64)
		span_used(s)[s->blocks / 64] = ~(uint64_t)0 << (s->blocks % 64);
	span_list(shard, s);
	return s;
}

/* The first free block of a span that has one. */
static void *span_take(struct span *s, bool *ret_zero)
{
	uint64_t *used = span_used(s);
	unsigned w = s->hint;

	while (!~used[w])
		w++;
	s->hint = (uint8_t)w;
	unsigned bit = (unsigned)__builtin_ctzl(~used[w]), index = w * 64 + bit;

	used[w] |= (uint64_t)1 << bit;
	s->used++;
	*ret_zero = index >= s->fresh;
	if (index >= s->fresh)
		s->fresh = (uint16_t)(index + 1);
	return (void *)(span_base(s) + index * class_size(s->class));
}

void *span_alloc(unsigned class, bool *ret_zero)
{
	span_prepare();
	struct shard *shard = &shards[own_shard - 1];
	void *p = NULL;

	lock_take(&shard->lock);
	struct span *s = shard->open[class];

	if (!s)
		s = span_new(shard, class);
	if (s) {
		p = span_take(s, ret_zero);
		if (s->used == s->blocks)
			span_unlist(shard, s);
	}
	lock_drop(&shard->lock);
	return p;
}

/* The live span around p. Nothing can be trusted before the bit of the block is seen to be set. */
static struct span *span_of(struct slab *slab, uintptr_t p, const char *what)
{
	unsigned first = slab->spans[(p - (uintptr_t)slab) / OS_PAGE].first;

	if (first < HEADER_PAGES)
		os_panic(what, (void *)p, "not a live block");
	return &slab->spans[first];
}

/* The block's index, or -1 if no block begins at p. */
static int span_index(const struct span *s, uintptr_t p)
{
	uint64_t offset = p - span_base(s);
	unsigned index = (unsigned)(offset * s->inverse >> 32);

	return index < s->blocks && index * class_size(s->class) == offset ? (int)index : -1;
}

/* Panics unless the block is live; without the lock, which a SIGABRT handler may need. */
static void span_check(const struct span *s, void *p, int index, const char *what)
{
	bool live = index >= 0 && span_used(s)[index / 64] >> (index % 64) & 1;

	if (live)
		return;
	lock_drop(&shards[s->shard].lock);
	os_panic(what, p, index < 0 ? "not the start of a block" : "the block is already free");
}

/* Takes a span without blocks out of the shard and gives its pages back. As slab_span_free. */
static bool span_end(struct shard *shard, struct span *s)
{
	if (s->listed)
		span_unlist(shard, s);
	if (s->blocks % 64)
		span_used(s)[s->blocks / 64] = 0;
	return slab_span_free(s);
}

bool span_free(struct slab *slab, void *p, const char *what)
{
	struct span *s = span_of(slab, (uintptr_t)p, what);
	struct shard *shard = &shards[s->shard];
	bool slab_gone = false;

	lock_take(&shard->lock);
	int index = span_index(s, (uintptr_t)p);

	span_check(s, p, index, what);
	unsigned w = (unsigned)index / 64;

	span_used(s)[w] &= ~((uint64_t)1 << (index % 64));
	if (w < s->hint)
		s->hint = (uint8_t)w;
	s->used--;
	if (s->used == 0)
		slab_gone = span_end(shard, s);
	else if (!s->listed)
		span_list(shard, s);
	lock_drop(&shard->lock);
	return slab_gone;
}

size_t span_usable(struct slab *slab, void *p, const char *what)
{
	struct span *s = span_of(slab, (uintptr_t)p, what);
	struct shard *shard = &shards[s->shard];

	lock_take(&shard->lock);
	span_check(s, p, span_index(s, (uintptr_t)p), what);
	lock_drop(&shard->lock);
	return class_size(s->class);
}

void span_lock_all(void)
{
	for (unsigned i = 0; i < SHARDS; i++)
		lock_take(&shards[i].lock);
	lock_take(&slab_lock);
}

void span_unlock_all(void)
{
	lock_drop(&slab_lock);
	for (unsigned i = SHARDS; i-- > 0;)
		lock_drop(&shards[i].lock);
}

void span_reset_all(void)
{
	lock_reset(&slab_lock);
	for (unsigned i = 0; i < SHARDS; i++)
		lock_reset(&shards[i].lock);
}
