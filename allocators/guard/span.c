#include "allocators/guard/span.h"

#include <stdatomic.h>

#include "allocators/guard/fork.h"
#include "allocators/guard/ring.h"
#include "allocators/guard/size_class.h"

/*
 * A shard keeps some spans, up to so many pages: these may go idle, the others end when they lose
 * their last block. As many as the largest span has, or eight small ones.
 */
#define KEPT_PAGES_MAX 32u
#define KEPT_MAX       (KEPT_PAGES_MAX / SPAN_PAGES_MIN)

struct shard {
	struct lock lock;
	unsigned kept_pages, kept_count, hand;
	struct ring *open[CLASS_COUNT];	 /* spans with a free block */
	struct span *kept[KEPT_MAX + 1]; /* one more for a moment */
} __attribute__((aligned(64)));

static struct shard shards[SHARDS];
static atomic_uint threads_seen;
static atomic_uint shards_seen; /* bit i: shard i was given to a thread */
/* Threads that found a slab without live blocks and have yet to end what others keep in it. */
static atomic_uint drains_begun;
static _Thread_local struct shard *own_shard __attribute__((tls_model("initial-exec")));

static void __attribute__((noinline)) own_shard_choose(void)
{
	unsigned i = atomic_fetch_add(&threads_seen, 1) % SHARDS;

	atomic_fetch_or(&shards_seen, 1u << i);
	own_shard = &shards[i];
	fork_prepare_once(); /* may allocate; the shard is set by now */
}

void span_prepare(void)
{
	if (__builtin_expect(!own_shard, 0))
		own_shard_choose();
}

static struct span *span_at(struct ring *at)
{
	return RING_OWNER(at, struct span, at);
}

/* One that has live blocks goes before one that has none. */
static void span_open(struct shard *shard, struct span *s)
{
	struct ring **head = &shard->open[s->class];

	ring_append(head, &s->at);
	if (!span_at(*head)->used)
		*head = &s->at;
}

static struct slab_share *span_share(const struct span *s)
{
	return &slab_of(s)->shares[s->shard];
}

/* The span is about to have a live block. */
static void share_add(const struct span *s)
{
	struct slab_share *own = span_share(s);
	uint32_t live = atomic_load_explicit(&own->live, memory_order_relaxed);

	atomic_store_explicit(&own->live, live + 1, memory_order_relaxed);
}

/*
 * The span has lost its last live block. Whether the slab may have none. Of threads that leave it
 * at the same moment at least one is told so: each writes its own count before it reads the others.
 */
static bool share_remove(const struct span *s)
{
	struct slab_share *shares = slab_of(s)->shares, *own = span_share(s);
	uint32_t live = atomic_load_explicit(&own->live, memory_order_relaxed) - 1;

	if (live || __libc_single_threaded)
		atomic_store_explicit(&own->live, live, memory_order_relaxed);
	else
		atomic_store_explicit(&own->live, live, memory_order_seq_cst);
	if (live || atomic_load_explicit(&shares[own->other].live, memory_order_seq_cst))
		return false;
	for (unsigned i = 0; i < SHARDS; i++) {
		if (atomic_load_explicit(&shares[i].live, memory_order_seq_cst)) {
			own->other = i;
			return false;
		}
	}
	return true;
}

static void keep(struct shard *shard, struct span *s)
{
	shard->kept[shard->kept_count++] = s;
	s->kept = (uint8_t)shard->kept_count;
	shard->kept_pages += s->pages;
}

static void keep_not(struct shard *shard, struct span *s)
{
	struct span *last = shard->kept[--shard->kept_count];

	shard->kept[s->kept - 1] = last;
	last->kept = s->kept;
	s->kept = 0;
	shard->kept_pages -= s->pages;
}

/* Gives the pages of a span without live blocks back. As slab_span_free. */
static bool span_end(struct shard *shard, struct span *s)
{
	if (s->kept)
		keep_not(shard, s);
	ring_remove(&shard->open[s->class], &s->at);
	if (s->blocks % 64)
		span_used(s)[s->blocks / 64] = 0;
	return slab_span_free(s);
}

/* Ends the shard's idle spans in this slab, or all if that is NULL. Whether a slab was unmapped. */
static bool idle_end(struct shard *shard, const struct slab *slab)
{
	bool slab_gone = false;

	/* Backwards: the last one takes the place of the one that is removed. */
	for (unsigned i = shard->kept_count; i-- > 0;) {
		struct span *s = shard->kept[i];

		if (!s->used && (!slab || slab_of(s) == slab))
			slab_gone |= span_end(shard, s);
	}
	return slab_gone;
}

/* The same of all shards but one, which may be NULL. No shard's lock is held. */
static bool idle_end_others(const struct shard *but, const struct slab *slab)
{
	unsigned seen = atomic_load(&shards_seen);
	bool slab_gone = false;

	for (unsigned i = 0; i < SHARDS; i++) {
		if (&shards[i] == but || !(seen >> i & 1))
			continue;
		lock_take(&shards[i].lock);
		slab_gone |= idle_end(&shards[i], slab);
		lock_drop(&shards[i].lock);
	}
	return slab_gone;
}

bool span_idle_end(void)
{
	return idle_end_others(NULL, NULL);
}

/* An open span that is not idle. Before a slab is mapped, the pages of idle spans are tried. */
static struct span *__attribute__((noinline)) span_new(struct shard *shard, unsigned class)
{
	size_t size = class_size(class);
	struct span_shape shape = span_shape(size);
	bool zero = false;
	struct span *s = slab_span_new(shape.pages, !shard->kept_count, &zero);

	if (!s && shard->kept_count) {
		idle_end(shard, NULL);
		s = slab_span_new(shape.pages, true, &zero);
	}
	if (!s)
		return NULL;
	s->size = (uint32_t)size;
	s->inverse = (uint32_t)((((uint64_t)1 << 32) + size - 1) / size);
	s->used = 0;
	s->blocks = (uint16_t)shape.blocks;
	s->fresh = zero ? 0 : s->blocks;
	s->open_words = (uint16_t)((1u << (shape.blocks + 63) / 64) - 1);
	s->kept = 0;
	s->class = (uint8_t) class;
	s->shard = (uint8_t)(shard - shards);
	if (s->blocks % 64)
		span_used(s)[s->blocks / 64] = ~(uint64_t)0 << (s->blocks % 64);
	share_add(s);
	span_open(shard, s);
	return s;
}

/* The first free block of an open span. */
static void *span_take(struct shard *shard, struct span *s, bool *ret_zero)
{
	unsigned w = (unsigned)__builtin_ctz(s->open_words);
	uint64_t *used = &span_used(s)[w];
	unsigned bit = (unsigned)__builtin_ctzl(~*used), index = w * 64 + bit;

	*used |= (uint64_t)1 << bit;
	s->used++;
	if (!~*used)
		s->open_words &= (uint16_t)(s->open_words - 1);
	if (!s->open_words)
		ring_remove(&shard->open[s->class], &s->at);
	*ret_zero = index >= s->fresh;
	if (index >= s->fresh)
		s->fresh = (uint16_t)(index + 1);
	return (void *)(span_base(s) + index * s->size);
}

static inline void *shard_alloc(struct shard *shard, unsigned class, bool *ret_zero)
{
	void *p = NULL;

	lock_take(&shard->lock);
	struct ring *at = shard->open[class];
	struct span *s = at ? span_at(at) : NULL;

	if (__builtin_expect(!s, 0)) {
		s = span_new(shard, class);
	} else if (!s->used) {
		share_add(s);
	}
	if (s)
		p = span_take(shard, s, ret_zero);
	lock_drop(&shard->lock);
	return p;
}

/* Once more after all shards gave up their idle spans: their pages may do. */
static void *__attribute__((noinline)) span_alloc_last(unsigned class, bool *ret_zero)
{
	if (__builtin_popcount(atomic_load(&shards_seen)) == 1) /* its own are ended by now */
		return NULL;
	span_idle_end();
	return shard_alloc(own_shard, class, ret_zero);
}

void *span_alloc(unsigned class, bool *ret_zero)
{
	span_prepare();
	void *p = shard_alloc(own_shard, class, ret_zero);

	return __builtin_expect(p != NULL, 1) ? p : span_alloc_last(class, ret_zero);
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
static inline int span_index(const struct span *s, uintptr_t p)
{
	uint64_t offset = p - span_base(s);
	unsigned index = (unsigned)(offset * s->inverse >> 32);

	return index < s->blocks && (uint64_t)index * s->size == offset ? (int)index : -1;
}

/* Without the lock, which a SIGABRT handler may need. */
static _Noreturn void __attribute__((noinline, cold))
misuse(const struct span *s, void *p, int index, const char *what)
{
	lock_drop(&shards[s->shard].lock);
	os_panic(what, p, index < 0 ? "not the start of a block" : "the block is already free");
}

/* The index of the block at p; panics unless it is live. */
static inline unsigned span_check(const struct span *s, void *p, const char *what)
{
	int index = span_index(s, (uintptr_t)p);

	if (__builtin_expect(index < 0 || !(span_used(s)[index / 64] >> (index % 64) & 1), 0))
		misuse(s, p, index, what);
	return (unsigned)index;
}

/* Those kept longest go, nearly: round and round, but not this one, which came last. */
static bool keep_fewer(struct shard *shard, const struct span *newest)
{
	bool slab_gone = false;

	while (shard->kept_pages > KEPT_PAGES_MAX) {
		struct span *s = shard->kept[shard->hand++ % shard->kept_count];

		if (s == newest)
			continue;
		keep_not(shard, s);
		if (!s->used)
			slab_gone |= span_end(shard, s);
	}
	return slab_gone;
}

/*
 * The last block of an open span is free. Whether a slab was unmapped; *ret_drained: whether this
 * one has no live block and is there all the same: what other shards keep in it is to be ended.
 */
static bool span_drain(struct shard *shard, struct span *s, bool *ret_drained)
{
	const struct slab *slab = slab_of(s);
	bool drained = share_remove(s), slab_gone;

	if (drained) {
		slab_gone = span_end(shard, s) || idle_end(shard, slab);
		*ret_drained = !slab_gone;
		return slab_gone;
	}
	if (s->at.next != &s->at) /* there is room for more blocks without it */
		return span_end(shard, s);
	if (s->kept)
		return false;
	keep(shard, s);
	return keep_fewer(shard, s);
}

/* Other shards' idle spans in a slab without live blocks. */
static bool __attribute__((noinline)) drain_others(const struct shard *but, const struct slab *slab)
{
	bool slab_gone = idle_end_others(but, slab);

	atomic_fetch_sub(&drains_begun, 1);
	return slab_gone;
}

bool span_free(struct slab *slab, void *p, const char *what)
{
	struct span *s = span_of(slab, (uintptr_t)p, what);
	struct shard *shard = &shards[s->shard];
	bool slab_gone = false, drained = false;

	lock_take(&shard->lock);
	unsigned index = span_check(s, p, what);

	span_used(s)[index / 64] &= ~((uint64_t)1 << (index % 64));
	if (!s->open_words)
		span_open(shard, s);
	s->open_words |= (uint16_t)(1u << index / 64);
	s->used--;
	if (__builtin_expect(s->used == 0, 0)) {
		slab_gone = span_drain(shard, s, &drained);
		if (drained) /* before a fork can come between */
			atomic_fetch_add(&drains_begun, 1);
	}
	lock_drop(&shard->lock);
	return drained ? drain_others(shard, slab) : slab_gone;
}

size_t span_usable(struct slab *slab, void *p, const char *what)
{
	struct span *s = span_of(slab, (uintptr_t)p, what);
	struct shard *shard = &shards[s->shard];

	lock_take(&shard->lock);
	span_check(s, p, what);
	size_t size = s->size;

	lock_drop(&shard->lock);
	return size;
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

/* What a thread had begun that is not there any more is done here. */
void span_reset_all(void)
{
	lock_reset(&slab_lock);
	for (unsigned i = 0; i < SHARDS; i++)
		lock_reset(&shards[i].lock);
	if (atomic_exchange(&drains_begun, 0))
		idle_end_others(NULL, NULL);
}
