/*
 * arena.h - the memory of the child: one region, mapped once, handed out from the front.
 *
 * The region is anonymous memory, private unless shared is asked for, between two inaccessible
 * pages, so that a stray write of the allocator under test faults before it reaches the harness.
 * Nothing is given back by itself: all that was handed out behind a mark goes at once. Pages cost
 * resident memory when they are first written. Not thread-safe: nothing is handed out while program
 * threads run.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena {
	unsigned char *base; /* first usable byte */
	size_t size, used;   /* bytes */
	size_t high;	     /* behind it nothing was handed out yet: all zero */
};

/* Maps `size` bytes (rounded up to pages) and the two fence pages. Returns 0 or -errno. */
int arena_init(struct arena *a, size_t size);

/* The same of memory that is MAP_SHARED: fork children write into the same pages. */
int arena_init_shared(struct arena *a, size_t size);

/* Unmaps the region and its fences. */
void arena_release(struct arena *a);

/* Zeroed memory, aligned to `align` (a power of two). NULL when the arena is used up. */
void *arena_take(struct arena *a, size_t size, size_t align);

/*
 * The same with whatever bytes are there, in no time: for arrays of which each entry is written
 * before it is read.
 */
void *arena_take_raw(struct arena *a, size_t size, size_t align);

/* What was handed out since `used` was that number goes, and its place is handed out again. */
void arena_rewind(struct arena *a, size_t used);

#endif
