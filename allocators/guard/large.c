#include "allocators/guard/large.h"

#include <errno.h>

#include "allocators/guard/area.h"
#include "allocators/guard/os.h"
#include "allocators/guard/size_class.h"
#include "allocators/guard/span.h"

#define CHAIN_BITS 16

struct large {
	struct large *next;
	uintptr_t p; /* inside the open range of the area */
	size_t size; /* usable */
	struct area area;
	bool dirty; /* of a spare: it may not read zero */
};

_Static_assert(sizeof(struct large) <= RECORD_SIZE, "records have a size class");

struct lock large_lock; /* of all below */
static struct large *chains[1 << CHAIN_BITS];
static struct large *spares; /* areas that the kernel did not take back */

static struct large **chain_of(uintptr_t p)
{
	return &chains[(p / OS_PAGE * 0x9e3779b97f4a7c15u) >> (64 - CHAIN_BITS)];
}

/* The place in the chain that points to the block's record, or NULL. */
static struct large **large_find(uintptr_t p)
{
	for (struct large **at = chain_of(p); *at; at = &(*at)->next) {
		if ((*at)->p == p)
			return at;
	}
	return NULL;
}

static struct large *record_new(void)
{
	bool zero;

	return span_alloc(CLASS_RECORD, &zero);
}

static void record_free(struct large *l)
{
	span_free(slab_at((uintptr_t)l), l, "record");
}

static void large_insert(struct large *l)
{
	lock_take(&large_lock);
	struct large **chain = chain_of(l->p);

	l->next = *chain;
	*chain = l;
	lock_drop(&large_lock);
}

static struct large *large_take(uintptr_t p, const char *what)
{
	lock_take(&large_lock);
	struct large **at = large_find(p);
	struct large *l = at ? *at : NULL;

	if (l)
		*at = l->next;
	lock_drop(&large_lock);
	if (!l)
		os_panic(what, (void *)p, "not a live block");
	return l;
}

static void spare_put(struct large *l)
{
	l->dirty = l->area.open && os_purge(l->area.start, l->area.len) != 0;
	lock_take(&large_lock);
	l->next = spares;
	spares = l;
	lock_drop(&large_lock);
}

bool large_retry(void)
{
	bool gone = false;

	lock_take(&large_lock);
	while (spares) {
		struct large *l = spares;

		if (area_release(&l->area) != 0)
			break;
		spares = l->next;
		record_free(l);
		gone = true;
	}
	lock_drop(&large_lock);
	return gone;
}

/* Unmaps the area if it has one, and ends the record or keeps both for later. */
static void large_end(struct large *l)
{
	if (l->area.map_len && area_release(&l->area) != 0) {
		spare_put(l);
		return;
	}
	record_free(l);
	large_retry();
}

/* A spare that the wanted range fits into, with its p set; NULL if there is none. */
static struct large *spare_take(const struct area_want *want)
{
	struct large *l = NULL;

	lock_take(&large_lock);
	for (struct large **at = &spares; *at; at = &(*at)->next) {
		if (area_fits(&(*at)->area, want, &(*at)->p)) {
			l = *at;
			*at = l->next;
			break;
		}
	}
	lock_drop(&large_lock);
	if (l && !l->area.open && area_open(&l->area, l->p, want->len) != 0) {
		spare_put(l);
		return NULL;
	}
	return l;
}

static struct large *large_map(const struct area_want *want)
{
	struct large *l = record_new();

	if (!l)
		return NULL;
	if (area_map(&l->area, want) != 0) {
		large_end(l);
		return NULL;
	}
	l->dirty = false;
	l->p = l->area.start;
	return l;
}

void *large_alloc(size_t size, size_t align, bool *ret_zero)
{
	struct area_want want = {.len = (size + OS_PAGE - 1) & ~(OS_PAGE - 1), .align = align};

	if (!want.len)
		want.len = OS_PAGE;
	large_retry();
	struct large *l = spare_take(&want);

	if (!l)
		l = large_map(&want);
	if (!l)
		return NULL;
	l->size = want.len;
	*ret_zero = !l->dirty;
	large_insert(l);
	return (void *)l->p;
}

void large_free(void *p, const char *what)
{
	large_end(large_take((uintptr_t)p, what));
}

size_t large_usable(void *p, const char *what)
{
	lock_take(&large_lock);
	struct large **at = large_find((uintptr_t)p);
	size_t size = at ? (*at)->size : 0;

	lock_drop(&large_lock);
	if (!at)
		os_panic(what, p, "not a live block");
	return size;
}

/* Gives the pages behind the first `size` bytes of the block back. */
static void large_shrink(struct large *l, size_t size)
{
	size_t len = l->p + size - l->area.start;

	if (area_shrink(&l->area, len) != 0)
		os_purge(l->p + size, l->area.len - len);
}

static int large_move(struct large *l, size_t size)
{
	struct large *rest = record_new();

	if (!rest)
		return -ENOMEM;
	*rest = (struct large){0};
	int err = area_move(&l->area, size, &rest->area);

	l->p = l->area.start;
	if (rest->area.map_len)
		spare_put(rest);
	else
		record_free(rest);
	return err;
}

void *large_resize(void *p, size_t size, const char *what)
{
	size_t len = (size + OS_PAGE - 1) & ~(OS_PAGE - 1);
	/* Out of the table first: once the pages move, the address may be another thread's. */
	struct large *l = large_take((uintptr_t)p, what);
	size_t room = l->area.start + l->area.len - l->p;
	int err = 0;

	if (len < l->size)
		large_shrink(l, len);
	else if (len > room)
		err = l->p == l->area.start ? large_move(l, len) : -EINVAL;
	if (!err) {
		l->size = len;
		p = (void *)l->p;
	}
	large_insert(l);
	return err ? NULL : p;
}
