/*
 * area.h - a mapping that can always be given back: an open range with a separator behind it.
 *
 *	map           start              start + len        map + map_len
 *	| edge: NONE, | readable and     | separator: one   |
 *	| none at all | writable         | PROT_NONE page   |
 *
 * An area that is settled costs two VMAs, and never more while it is made. Its end is one munmap of
 * [map, map + map_len): a call that spans two VMAs needs no split that the map limit refuses.
 *
 * What the kernel refuses to take off an area stays part of it, so that nothing is lost, and the
 * area is not settled until area_settle was heard. Functions keep errno.
 */
#ifndef GUARD_AREA_H
#define GUARD_AREA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct area {
	uintptr_t map;
	size_t map_len; /* 0: nothing is mapped */
	uintptr_t start;
	size_t len; /* accessible from start on; 0: nothing is. The rest is PROT_NONE. */
};

struct area_want {
	size_t len;   /* bytes, whole pages */
	size_t align; /* a power of two */
	size_t lead;  /* what is aligned lies so many bytes behind the start */
	uintptr_t at; /* where it should lie if that is free, or 0; aligned as wanted */
};

/*
 * Maps what is wanted; it is open then, and settled unless area_is_settled denies it. Returns 0 or
 * -ENOMEM. After a failure ret_a->map_len is not 0 in the one case that the kernel refused to take
 * back what it had mapped: the caller keeps that range.
 */
int area_map(struct area *ret_a, const struct area_want *want);

/* Whether the wanted range and a separator fit into a that holds no block; if so where it starts.
 */
bool area_fits(const struct area *a, const struct area_want *want, uintptr_t *ret_start);

/*
 * Makes [start, start + len) accessible in an area without a block. If something else is, all is
 * closed first: what was opened in two steps may be two VMAs for good. Returns 0 or -errno.
 */
int area_open(struct area *a, uintptr_t start, size_t len);

/* Unmaps the whole. Returns 0 (map_len is 0 then), or -errno and the area is as it was. */
int area_release(struct area *a);

/* Whether the area is [start, start + len) open and one page of separator, and nothing else. */
bool area_is_settled(const struct area *a, uintptr_t start, size_t len);

/*
 * Gives back what is beyond a block of [start, start + len), which is open. Whether the area is
 * settled now; else what is accessible behind the block was purged if the kernel allowed that.
 *
 * The separator is drawn before the rest goes, in one call, which fails as a whole: the block has
 * one at any time. That call needs no map, since it takes as many as it makes.
 */
bool area_settle(struct area *a, uintptr_t start, size_t len);

/*
 * Moves the pages of a settled area to one of `len` bytes elsewhere, without copying. Returns 0 or
 * -errno with nothing changed. Afterwards the area has no separator until it is settled; ret_rest
 * is what is left of the old place (map_len 0 when it is gone).
 */
int area_move(struct area *a, size_t len, struct area *ret_rest);

#endif
