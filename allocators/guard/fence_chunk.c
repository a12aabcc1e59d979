#include "allocators/guard/fence_chunk.h"

#include <errno.h>

#define CHAIN_BITS 14
#define BINS	   12 /* by the longest run of free pages: 0 none, 1 one page, 2 two and three ... */
#define BIN_PROBE  16 /* chunks to try in the bin that holds runs both too short and long enough */
#define IDLE_PROBE 16

enum support { SUPPORT_UNKNOWN, SUPPORT_YES, SUPPORT_NO };

static enum support guard_regions;
static struct chunk *chains[1 << CHAIN_BITS];
static struct ring *all, *idle, *bins[BINS];
static size_t idle_count;
static struct area unwanted;  /* mapped but not made accessible, and not taken back */
static uintptr_t next_shared; /* where the next one is tried first; 0: anywhere */

void chunk_use_protection(void)
{
	guard_regions = SUPPORT_NO;
}

static struct chunk **chain_of(uintptr_t p)
{
	return &chains[(p / CHUNK_BYTES * 0x9e3779b97f4a7c15u) >> (64 - CHAIN_BITS)];
}

static void chunk_enlist(struct chunk *c, uintptr_t key)
{
	struct chunk **chain = chain_of(key);

	c->key = key;
	c->chain = *chain;
	*chain = c;
}

static void chunk_delist(struct chunk *c)
{
	struct chunk **at = chain_of(c->key);

	while (*at != c)
		at = &(*at)->chain;
	*at = c->chain;
}

void chunk_rename(struct chunk *c, uintptr_t p)
{
	chunk_delist(c);
	chunk_enlist(c, p);
}

struct chunk *chunk_of(uintptr_t p)
{
	for (struct chunk *c = *chain_of(p); c; c = c->chain) {
		if (c->single ? c->key == p : p / CHUNK_BYTES == c->key / CHUNK_BYTES)
			return c;
	}
	return NULL;
}

struct chunk *chunk_around(uintptr_t address)
{
	struct ring *at = all;

	while (at) {
		struct chunk *c = RING_OWNER(at, struct chunk, all);

		if (address - c->area.map < c->area.map_len)
			return c;
		at = at->next == all ? NULL : at->next;
	}
	return NULL;
}

bool chunk_open(struct chunk *c, uintptr_t at, size_t len)
{
	if (!len)
		return true;
	if ((!c->guards || c->mixed) && os_open(at, len) != 0)
		return false;
	return !c->guards || os_unfence(at, len) == 0;
}

/*
 * A new mapping in the place of the pages takes their memory along, locked or not, and merges with
 * what is closed around them. Where they are all of a map that needs none; in a chunk of guard
 * regions, which locked memory cannot have, it needs two.
 */
bool chunk_close(struct chunk *c, uintptr_t at, size_t len)
{
	if (!len || (c->guards && os_fence(at, len) == 0))
		return true;
	if (os_close(at, len) == 0) {
		c->mixed = true;
		return true;
	}
	bool shut = !c->guards && os_shut(at, len) == 0;

	return os_purge(at, len) == 0 && shut;
}

static void bin_insert(struct chunk *c)
{
	unsigned longest = pages_longest(&c->free);

	c->bin_index = longest ? 32 - (unsigned)__builtin_clz(longest) : 0;
	ring_append(&bins[c->bin_index], &c->bin);
}

static void bin_remove(struct chunk *c)
{
	ring_remove(&bins[c->bin_index], &c->bin);
}

static void idle_set(struct chunk *c, bool on)
{
	if (on)
		ring_append(&idle, &c->bin);
	else
		ring_remove(&idle, &c->bin);
	idle_count += on ? 1 : -(size_t)1;
	c->idle = on;
}

/* What may be closed of an idle chunk: all but its bookkeeping. */
static bool chunk_close_all(struct chunk *c)
{
	uintptr_t from = (uintptr_t)c + (c->single ? 1 : CHUNK_META_PAGES) * OS_PAGE;

	return chunk_close(c, from, c->area.start + c->area.len - from);
}

/* Whether it is gone; else it is as it was, and in no bin. */
static bool chunk_unmap(struct chunk *c)
{
	struct area area = c->area; /* the bookkeeping goes with it */

	chunk_delist(c);
	ring_remove(&all, &c->all);
	if (area_release(&area) == 0)
		return true;
	ring_append(&all, &c->all);
	chunk_enlist(c, c->key);
	return false;
}

static bool chunk_end(struct chunk *c)
{
	uintptr_t at = c->single ? next_shared : (uintptr_t)c;

	if (chunk_unmap(c)) {
		next_shared = at;
		return true;
	}
	c->closed = chunk_close_all(c);
	idle_set(c, true);
	return false;
}

bool chunk_retry(size_t refusals)
{
	bool gone = unwanted.map_len && area_release(&unwanted) == 0;
	size_t tries = idle_count;

	while (tries-- && refusals) {
		struct chunk *c = RING_OWNER(idle, struct chunk, bin);

		idle_set(c, false);
		if (chunk_unmap(c)) {
			gone = true;
			continue;
		}
		if (!c->closed)
			c->closed = chunk_close_all(c);
		idle_set(c, true);
		refusals--;
	}
	return gone;
}

bool chunk_release(struct chunk *c)
{
	if (!c->single)
		bin_remove(c);
	return chunk_end(c);
}

/* At most one range is unwanted at a time: it is used before another one is mapped. */
static bool chunk_map(struct area *ret_area, const struct area_want *want)
{
	uintptr_t start;

	if (unwanted.map_len && area_release(&unwanted) != 0) {
		if (!area_fits(&unwanted, want, &start) ||
		    area_open(&unwanted, start, want->len) != 0)
			return false;
		*ret_area = unwanted;
		unwanted.map_len = 0;
		return true;
	}
	if (area_map(ret_area, want) == 0)
		return true;
	unwanted = *ret_area;
	return false;
}

/* Asked once whether it means it: some emulators accept any advice and do nothing. */
static bool fence_first(uintptr_t at, size_t len)
{
	if (guard_regions == SUPPORT_NO)
		return false;
	int err = os_fence(at, len);

	if (guard_regions == SUPPORT_UNKNOWN && (!err || err == -EINVAL))
		guard_regions = !err && !os_is_writable(at) ? SUPPORT_YES : SUPPORT_NO;
	return !err && guard_regions == SUPPORT_YES;
}

/*
 * A new area, whose pages are all open and not touched yet, with `len` bytes from `first` on
 * closed. NULL: that was refused, and the area is gone.
 */
static struct chunk *chunk_begin(struct area *area, uintptr_t first, size_t len, bool single)
{
	bool guards = fence_first(first, len);

	if (!guards && os_close(first, len) != 0) {
		os_unfence(first, len);
		if (area_release(area) != 0)
			unwanted = *area;
		return NULL;
	}
	struct chunk *c = (struct chunk *)area->start;

	c->area = *area;
	c->first = first;
	c->guards = guards;
	c->single = single;
	ring_append(&all, &c->all);
	chunk_enlist(c, single ? 0 : (uintptr_t)c);
	return c;
}

static struct chunk *chunk_shared_new(void)
{
	struct area_want want = {
		.len = CHUNK_BYTES - OS_PAGE, .align = CHUNK_BYTES, .at = next_shared};
	struct area area;

	if (!chunk_map(&area, &want))
		return NULL;
	next_shared = area.start > CHUNK_BYTES ? area.start - CHUNK_BYTES : 0;
	struct chunk *c = chunk_begin(&area, area.start + CHUNK_META_PAGES * OS_PAGE,
				      CHUNK_PAGES * OS_PAGE, false);

	if (!c)
		return NULL;
	pages_set(&c->free, 1, CHUNK_PAGES - 1, true);
	bin_insert(c);
	return c;
}

/* An idle chunk that is shared, back in its bin. */
static struct chunk *chunk_shared_idle(void)
{
	struct ring *at = idle;

	for (int probes = 0; at && probes < IDLE_PROBE; probes++) {
		struct chunk *c = RING_OWNER(at, struct chunk, bin);

		if (!c->single && c->closed) {
			idle_set(c, false);
			bin_insert(c);
			return c;
		}
		at = at->next == idle ? NULL : at->next;
	}
	return NULL;
}

static struct chunk *bin_find(unsigned bin, unsigned pages, unsigned *ret_page)
{
	struct ring *at = bins[bin];
	unsigned longest;

	for (int probes = 0; at && probes < BIN_PROBE; probes++) {
		struct chunk *c = RING_OWNER(at, struct chunk, bin);

		*ret_page = pages_run(&c->free, pages, &longest);
		if (*ret_page < PAGES_MAX)
			return c;
		at = at->next == bins[bin] ? NULL : at->next;
	}
	return NULL;
}

struct chunk *chunk_shared(unsigned pages, unsigned *ret_page)
{
	unsigned bin = 32 - (unsigned)__builtin_clz(pages), longest;

	for (; bin < BINS; bin++) {
		struct chunk *c = bin_find(bin, pages, ret_page);

		if (c)
			return c;
	}
	struct chunk *c = chunk_shared_idle();

	if (!c)
		c = chunk_shared_new();
	if (c)
		*ret_page = pages_run(&c->free, pages, &longest);
	return c;
}

/* Puts the pages into an idle chunk if they fit. Whether they did, and c->first is right. */
static bool chunk_fits(struct chunk *c, size_t pages, size_t align)
{
	uintptr_t from = (uintptr_t)c + 2 * OS_PAGE, end = c->area.start + c->area.len;
	uintptr_t start = (from + align - 1) & ~(uintptr_t)(align - 1);

	if (!c->single || !c->closed || start < from || start > end ||
	    pages > (end - start) / OS_PAGE)
		return false;
	c->first = start - OS_PAGE;
	return true;
}

static struct chunk *chunk_single_idle(size_t pages, size_t align)
{
	struct ring *at = idle;

	for (int probes = 0; at && probes < IDLE_PROBE; probes++) {
		struct chunk *c = RING_OWNER(at, struct chunk, bin);

		if (chunk_fits(c, pages, align)) {
			idle_set(c, false);
			return c;
		}
		at = at->next == idle ? NULL : at->next;
	}
	return NULL;
}

struct chunk *chunk_single(size_t pages, size_t align)
{
	struct area_want want = {.len = (2 + pages) * OS_PAGE, .align = align, .lead = 2 * OS_PAGE};
	struct area area;

	chunk_retry(2);
	struct chunk *c = chunk_single_idle(pages, align);

	if (c) {
		if (chunk_open(c, c->first + OS_PAGE, pages * OS_PAGE))
			return c;
		c->closed = chunk_close(c, c->first + OS_PAGE, pages * OS_PAGE);
		idle_set(c, true);
		return NULL;
	}
	if (!chunk_map(&area, &want))
		return NULL;
	return chunk_begin(&area, area.start + OS_PAGE, OS_PAGE, true);
}

void chunk_take(struct chunk *c, unsigned page, unsigned pages)
{
	bin_remove(c);
	pages_set(&c->free, page, pages, false);
	bin_insert(c);
}

void chunk_put(struct chunk *c, unsigned page, unsigned pages)
{
	bin_remove(c);
	pages_set(&c->free, page, pages, true);
	bin_insert(c);
}

bool chunk_settle_all(void)
{
	struct ring *at = all;
	bool gone = false;

	while (at) {
		struct chunk *c = RING_OWNER(at, struct chunk, all);
		size_t map_len = c->area.map_len;

		if (!area_is_settled(&c->area, c->area.start, c->area.len))
			area_settle(&c->area, c->area.start, c->area.len);
		gone |= c->area.map_len < map_len;
		at = at->next == all ? NULL : at->next;
	}
	return gone;
}
