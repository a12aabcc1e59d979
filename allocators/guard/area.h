/*
 * area.h - a mapping that can always be given back: an open range with a separator behind it.
 *
 *	map                start              start + len        map + map_len
 *	| (edge, normally  | readable and     | separator: one   |
 *	|  trimmed away)   | writable         | PROT_NONE page   |
 *
 * An area costs two VMAs at any moment of its life and while it is made. Its end is one munmap of
 * [map, map + map_len): a call that spans two VMAs needs no split that the map limit refuses.
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
	size_t len;
	bool open; /* [start, start + len) is accessible */
};

struct area_want {
	size_t len;   /* bytes, whole pages */
	size_t align; /* a power of two */
	uintptr_t at; /* where it should lie if that is free, or 0 */
};

/*
 * Maps what is wanted. Returns 0 or -ENOMEM. After a failure ret_a->map_len is not 0 in the one
 * case that the kernel refused to take back what it had mapped: the caller keeps that range.
 */
int area_map(struct area *ret_a, const struct area_want *want);

/* Whether the wanted range fits into a, as it is mapped now; if so where it would start. */
bool area_fits(const struct area *a, const struct area_want *want, uintptr_t *ret_start);

/* Makes [start, start + len) accessible, in an area that is not open. Returns 0 or -errno. */
int area_open(struct area *a, uintptr_t start, size_t len);

/* Unmaps the whole. Returns 0 (map_len is 0 then), or -errno and the area is as it was. */
int area_release(struct area *a);

/*
 * Shortens the open range to `len` bytes and draws the separator in. Returns 0 or -errno, and then
 * the area is as it was. Past the limit (L + 1 maps) the block may be left without a separator.
 */
int area_shrink(struct area *a, size_t len);

/*
 * Moves the pages to a range of `len` bytes elsewhere, without copying. Returns 0, with ret_rest
 * what is left of the old place (map_len 0 when it is gone), or -errno with nothing changed.
 */
int area_move(struct area *a, size_t len, struct area *ret_rest);

#endif
