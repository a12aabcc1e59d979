#include "allocators/guard/large.h"

#include <errno.h>
#include <stdint.h>

#include "allocators/guard/area.h"
#include "allocators/guard/os.h"
#include "allocators/guard/record.h"
#include "allocators/guard/ring.h"
#include "allocators/guard/span.h"

#define CHAIN_BITS 16

#define REFUSALS_MAX 2 /* by these a retry ends: one stuck area must not hide the others */
#define BIN_PROBE    16

struct lock large_lock; /* of all below, and of the records */
static struct large *chains[1 << CHAIN_BITS];
static struct ring *waiting; /* spares, and blocks whose area is not settled */
static size_t waiting_count;
static struct ring *bins[64]; /* spares by the power of two that is in the bytes mapped */

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

static struct large *large_new(void)
{
	lock_take(&large_lock);
	struct large *l = record_new();

	lock_drop(&large_lock);
	if (l)
		*l = (struct large){0};
	return l;
}

static void wait_set(struct large *l, bool on)
{
	if (l->is_waiting == on)
		return;
	if (on)
		ring_append(&waiting, &l->waiting);
	else
		ring_remove(&waiting, &l->waiting);
	l->is_waiting = on;
	waiting_count += on ? 1 : -(size_t)1;
}

static struct ring **bin_of(size_t bytes)
{
	return &bins[63 - __builtin_clzl(bytes)];
}

static void large_insert(struct large *l)
{
	bool settled = area_is_settled(&l->area, l->p, l->size);

	lock_take(&large_lock);
	struct large **chain = chain_of(l->p);

	l->next = *chain;
	*chain = l;
	wait_set(l, !settled);
	lock_drop(&large_lock);
}

/* Out of the table and the ring: nobody else touches it from here on. */
static struct large *large_take(uintptr_t p, const char *what)
{
	lock_take(&large_lock);
	struct large **at = large_find(p);
	struct large *l = at ? *at : NULL;

	if (l) {
		*at = l->next;
		wait_set(l, false);
	}
	lock_drop(&large_lock);
	if (!l)
		os_panic(what, (void *)p, "not a live block");
	return l;
}

static void spare_purge(struct large *l)
{
	l->dirty = l->area.len && os_purge(l->area.start, l->area.len) != 0;
}

/* Unmaps the area if it has one, and ends the record or keeps both for later. Whether it went. */
static bool large_end(struct large *l)
{
	bool gone = !l->area.map_len || area_release(&l->area) == 0;

	if (!gone)
		spare_purge(l);
	lock_take(&large_lock);
	if (gone) {
		record_free(l);
	} else {
		l->size = 0;
		ring_append(bin_of(l->area.map_len), &l->bin);
		wait_set(l, true);
	}
	lock_drop(&large_lock);
	return gone;
}

static void spare_end(struct large *l)
{
	ring_remove(bin_of(l->area.map_len), &l->bin);
	wait_set(l, false);
}

/* Whether the area is as it should be now, and waits no more. The caller holds the lock. */
static bool retry_one(struct large *l)
{
	struct area area = l->area;

	if (l->size) {
		if (area_settle(&l->area, l->p, l->size))
			wait_set(l, false);
		return !l->is_waiting;
	}
	if (area_release(&area) != 0) {
		if (l->dirty)
			spare_purge(l);
		return false;
	}
	spare_end(l);
	record_free(l);
	return true;
}

/* Ends where a whole round brought nothing, or after so many refusals. */
static bool retry(size_t refusals)
{
	size_t idle = 0;
	bool gone = false;

	while (waiting && idle < waiting_count && refusals) {
		if (retry_one(RING_OWNER(waiting, struct large, waiting))) {
			gone = true;
			idle = 0;
		} else {
			waiting = waiting->next;
			idle++;
			refusals--;
		}
	}
	return gone;
}

bool large_retry(void)
{
	lock_take(&large_lock);
	bool gone = retry(REFUSALS_MAX);

	lock_drop(&large_lock);
	return gone;
}

bool large_trim(void)
{
	lock_take(&large_lock);
	bool gone = retry(SIZE_MAX);

	lock_drop(&large_lock);
	return gone;
}

/* The first of a bin that fits, with its p set; NULL if it is not among those looked at. */
static struct large *bin_find(struct ring *head, const struct area_want *want)
{
	struct ring *at = head;

	for (int probes = 0; at && probes < BIN_PROBE; probes++) {
		struct large *l = RING_OWNER(at, struct large, bin);

		if (area_fits(&l->area, want, &l->p))
			return l;
		at = at->next == head ? NULL : at->next;
	}
	return NULL;
}

/* A spare that the wanted range fits into, open and with its p set; NULL if there is none. */
static struct large *spare_take(const struct area_want *want)
{
	struct large *l = NULL;

	lock_take(&large_lock);
	if (waiting_count) {
		for (struct ring **bin = bin_of(want->len); !l && bin < bins + 64; bin++)
			l = bin_find(*bin, want);
	}
	if (l)
		spare_end(l);
	lock_drop(&large_lock);
	if (l && area_open(&l->area, l->p, want->len) != 0) {
		large_end(l);
		return NULL;
	}
	return l;
}

static struct large *large_map(const struct area_want *want)
{
	struct large *l = large_new();

	if (!l)
		return NULL;
	if (area_map(&l->area, want) != 0) {
		large_end(l);
		return NULL;
	}
	l->p = l->area.start;
	return l;
}

void *large_alloc(size_t size, size_t align, bool *ret_zero)
{
	struct area_want want = {.len = (size + OS_PAGE - 1) & ~(OS_PAGE - 1), .align = align};

	if (!want.len)
		want.len = OS_PAGE;
	span_prepare();
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

bool large_free(void *p, const char *what)
{
	return large_end(large_take((uintptr_t)p, what));
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

/* The record of what is left of the old place is had before anything moves. */
static int large_move(struct large *l, size_t size)
{
	struct large *rest = large_new();

	if (!rest)
		return -ENOMEM;
	area_settle(&l->area, l->p, l->size);
	int err = area_move(&l->area, size, &rest->area);

	if (!err)
		l->p = l->area.start;
	large_end(rest);
	return err;
}

/* How far the block can grow in place: to the separator, or to where that has to be. */
static size_t large_room(const struct large *l)
{
	uintptr_t open_end = l->area.start + l->area.len;
	uintptr_t end = l->area.map + l->area.map_len - OS_PAGE;

	return (open_end < end ? open_end : end) - l->p;
}

void *large_resize(void *p, size_t size, const char *what)
{
	size_t len = (size + OS_PAGE - 1) & ~(OS_PAGE - 1);
	/* Out of the table first: once the pages move, the address may be another thread's. */
	struct large *l = large_take((uintptr_t)p, what);
	int err = len > large_room(l) ? large_move(l, len) : 0;

	if (!err) {
		l->size = len;
		area_settle(&l->area, l->p, len);
		p = (void *)l->p;
	}
	large_insert(l);
	return err ? NULL : p;
}
