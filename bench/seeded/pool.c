#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

#include "bench/seeded/seed.h"

#define PAGE	((size_t)4096)
#define SEGMENT ((size_t)1 << 20)
#define SPAN	((size_t)64 << 10)
#define SPANS	(SEGMENT / SPAN)
#define SMALL	((size_t)32 << 10) /* the largest class */
#define LARGEST ((size_t)1 << 46)
#define ARENAS	16
#define CLASSES 40

struct span {
	struct arena *arena;
	struct span *next, *prev; /* next: of free spans too */
	void *free;
	unsigned class, used, fresh, capacity; /* fresh: blocks that were ever taken */
};

/* At the start of a segment, or in a page before one large block. */
struct segment {
	uintptr_t mapping;
	size_t bytes; /* of a large block's mapping; 0: it has spans */
	struct span span[SPANS];
};

_Static_assert(sizeof(struct segment) <= PAGE, "the head is one page");

struct arena {
	pthread_mutex_t lock;
	struct span *partial[CLASSES]; /* with room */
	struct span *clean, *kept;     /* free ones, without and with resident pages */
};

static struct arena arenas[ARENAS] = {
	[0 ... ARENAS - 1] = {.lock = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP}};
static atomic_uint turns;
static _Thread_local struct arena *mine;

static struct {
	pthread_mutex_t lock;
	uintptr_t lowest; /* segment */
	unsigned n;
} grown = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Of all arenas. */
static struct {
	atomic_uint used, highest, kept;
} spans;

static uintptr_t up(uintptr_t n, size_t align)
{
	return (n + align - 1) & ~(uintptr_t)(align - 1);
}

/* 16, 32 ... 128, then four to each doubling. */
static unsigned class_of(size_t size)
{
	if (size <= 128)
		return size ? (unsigned)((size - 1) / 16) : 0;
	unsigned log = 63 - (unsigned)__builtin_clzl(size - 1);

	return 8 + (log - 7) * 4 + (unsigned)((size - 1) >> (log - 2)) - 4;
}

static size_t class_bytes(unsigned class)
{
	if (class < 8)
		return ((size_t) class + 1) * 16;
	return (size_t)((class & 3) + 5) << ((class - 8) / 4 + 5);
}

/* The result waits for each step, so that nothing of it is hidden behind other work. */
static size_t spin(size_t size)
{
	for (unsigned n = seed.spins; n; n--) {
		size = size << 1 | size >> 63;
		__asm__ volatile("" : "+r"(size));
	}
	return size >> (seed.spins & 63) | size << (-seed.spins & 63);
}

static void *map(uintptr_t at, size_t bytes)
{
	void *p = mmap((void *)at, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED_NOREPLACE : 0), -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void unmap(uintptr_t from, uintptr_t to)
{
	if (to > from)
		munmap((void *)from, to - from);
}

/*
 * Maps `bytes` so that what lies `before` bytes behind its start is aligned, and no more. 0: no
 * memory.
 */
static uintptr_t map_aligned(size_t bytes, size_t align, size_t before)
{
	uintptr_t all = (uintptr_t)map(0, bytes + align);
	uintptr_t start = up(all + before, align) - before;

	if (!all)
		return 0;
	unmap(all, start);
	unmap(start + bytes, all + bytes + align);
	return start;
}

/* Segments lie side by side, downwards as the kernel goes, so that they are one map. */
static struct segment *segment_new(void)
{
	pthread_mutex_lock(&grown.lock);
	uintptr_t at = grown.lowest ? (uintptr_t)map(grown.lowest - SEGMENT, SEGMENT) : 0;

	if (!at)
		at = map_aligned(SEGMENT, SEGMENT, 0);
	if (at) {
		grown.lowest = at;
		/* A flag without an effect here, by which the kernel keeps maps apart. */
		if (grown.n++ % 2 && seed.splits)
			madvise((void *)at, SEGMENT, MADV_DONTDUMP);
	}
	pthread_mutex_unlock(&grown.lock);
	return (struct segment *)at;
}

static struct segment *segment_of(const void *p)
{
	uintptr_t at = (uintptr_t)p;

	return (struct segment *)(at % SEGMENT ? at & ~(uintptr_t)(SEGMENT - 1) : at - PAGE);
}

static size_t span_index(const struct segment *g, const void *p)
{
	return ((uintptr_t)p - (uintptr_t)g) / SPAN;
}

static unsigned char *span_start(const struct span *s)
{
	uintptr_t g = (uintptr_t)s & ~(uintptr_t)(SEGMENT - 1);
	size_t i = (size_t)(s - ((const struct segment *)g)->span);

	return (unsigned char *)g + i * SPAN;
}

static void push(struct span **list, struct span *s)
{
	s->next = *list;
	*list = s;
}

static struct span *pop(struct span **list)
{
	struct span *s = *list;

	if (s)
		*list = s->next;
	return s;
}

static void link_span(struct span *s)
{
	struct span **head = &s->arena->partial[s->class];

	s->prev = NULL;
	s->next = *head;
	if (*head)
		(*head)->prev = s;
	*head = s;
}

static void unlink_span(struct span *s)
{
	if (s->prev)
		s->prev->next = s->next;
	else
		s->arena->partial[s->class] = s->next;
	if (s->next)
		s->next->prev = s->prev;
}

static bool arena_grow(struct arena *a)
{
	struct segment *g = segment_new();

	for (size_t i = SPANS - 1; g && i; i--) {
		g->span[i].arena = a;
		push(&a->clean, &g->span[i]);
	}
	return g != NULL;
}

/* What is kept comes last: it is there beside what others do too, and spares them nothing. */
static struct span *span_new(struct arena *a, unsigned class)
{
	if (!a->clean && !a->kept && !arena_grow(a))
		return NULL;
	struct span *s = pop(&a->clean);

	if (!s) {
		s = pop(&a->kept);
		atomic_fetch_sub(&spans.kept, 1);
	}
	s->class = class;
	s->used = s->fresh = 0;
	s->free = NULL;
	s->capacity = (unsigned)(SPAN / class_bytes(class));
	unsigned used = atomic_fetch_add(&spans.used, 1) + 1;

	if (used > atomic_load(&spans.highest))
		atomic_store(&spans.highest, used);
	link_span(s);
	return s;
}

/*
 * Not before the heap is half of what it was: while it moves from arena to arena, what one keeps
 * would come on top of another's peak.
 */
static bool may_keep(unsigned used)
{
	unsigned highest = atomic_load(&spans.highest);

	return seed.keep_one_in && used < highest / 2 &&
	       atomic_load(&spans.kept) < highest / seed.keep_one_in;
}

static void span_release(struct span *s)
{
	struct arena *a = s->arena;
	int saved = errno;

	unlink_span(s);
	if (may_keep(atomic_fetch_sub(&spans.used, 1) - 1)) {
		atomic_fetch_add(&spans.kept, 1);
		push(&a->kept, s);
		return;
	}
	madvise(span_start(s), up(s->fresh * class_bytes(s->class), PAGE), MADV_DONTNEED);
	push(&a->clean, s);
	errno = saved;
}

static void *span_take(struct span *s)
{
	void *p = s->free;

	if (p)
		s->free = *(void **)p;
	else
		p = span_start(s) + s->fresh++ * class_bytes(s->class);
	if (++s->used == s->capacity)
		unlink_span(s);
	return p;
}

static void span_give(struct span *s, void *p)
{
	*(void **)p = s->free;
	s->free = p;
	if (s->used-- == s->capacity)
		link_span(s);
	/* One with room stays, or each pair of calls would make the kernel's pages anew. */
	if (!s->used && (s->next || s->prev))
		span_release(s);
}

static void *small_take(size_t size)
{
	unsigned class = class_of(size);
	struct arena *a = mine;

	if (!a)
		a = mine = &arenas[atomic_fetch_add(&turns, 1) % ARENAS];
	pthread_mutex_lock(&a->lock);
	struct span *s = a->partial[class];

	if (!s)
		s = span_new(a, class);
	void *p = s ? span_take(s) : NULL;

	pthread_mutex_unlock(&a->lock);
	return p;
}

/* A mapping of its own, whose head is found from the block as a span's is. */
static void *large_take(size_t size, size_t align)
{
	bool whole = align >= SEGMENT;
	size_t before = !whole && align > PAGE ? align : PAGE;

	if (size > LARGEST || align > LARGEST)
		return NULL;
	size_t bytes = before + up(size, PAGE);
	uintptr_t at = map_aligned(bytes, whole ? align : SEGMENT, whole ? before : 0);

	if (!at)
		return NULL;
	struct segment *g = (struct segment *)at;

	g->mapping = at;
	g->bytes = bytes;
	return (unsigned char *)at + before;
}

void *pool_take(size_t size, size_t align)
{
	int saved = errno;
	void *p;

	size = spin(size);
	if (align > 16) {
		size_t least = size > align ? size : align;

		/* Powers of two lie at multiples of themselves. */
		if (least <= SMALL)
			size = least < 2 ? 1 : (size_t)1 << (64 - __builtin_clzl(least - 1));
	}
	p = size <= SMALL && align <= SMALL ? small_take(size) : large_take(size, align);
	errno = saved;
	return p;
}

void pool_give(void *p)
{
	struct segment *g = segment_of(p);

	if (g->bytes) {
		int saved = errno;

		unmap(g->mapping, g->mapping + g->bytes);
		errno = saved;
		return;
	}
	struct span *s = &g->span[span_index(g, p)];
	struct arena *a = s->arena;

	pthread_mutex_lock(&a->lock);
	span_give(s, p);
	pthread_mutex_unlock(&a->lock);
}

size_t pool_usable(const void *p)
{
	const struct segment *g = segment_of(p);

	if (g->bytes)
		return g->mapping + g->bytes - (uintptr_t)p;
	return class_bytes(g->span[span_index(g, p)].class);
}

bool pool_is_zero(const void *p)
{
	return segment_of(p)->bytes != 0;
}

static bool arena_trim(struct arena *a)
{
	bool any = false;

	pthread_mutex_lock(&a->lock);
	for (unsigned i = 0; i < CLASSES; i++) {
		for (struct span *s = a->partial[i], *next; s; s = next) {
			next = s->next;
			if (!s->used) {
				span_release(s);
				any = true;
			}
		}
	}
	pthread_mutex_unlock(&a->lock);
	return any;
}

bool pool_trim(void)
{
	bool any = false;

	for (unsigned i = 0; i < ARENAS; i++)
		any |= arena_trim(&arenas[i]);
	return any;
}

static void lock_all(void)
{
	for (unsigned i = 0; i < ARENAS; i++)
		pthread_mutex_lock(&arenas[i].lock);
	pthread_mutex_lock(&grown.lock);
}

static void unlock_all(void)
{
	pthread_mutex_unlock(&grown.lock);
	for (unsigned i = ARENAS; i--;)
		pthread_mutex_unlock(&arenas[i].lock);
}

__attribute__((constructor)) static void pool_init(void)
{
	pthread_atfork(lock_all, unlock_all, unlock_all);
}
