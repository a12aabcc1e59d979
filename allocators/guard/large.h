/*
 * large.h - blocks with an area of their own: beyond SMALL_MAX bytes, or aligned beyond a page.
 *
 * A hash table of 65536 chains, about one block each when all of the default vm.max_map_count is
 * in use, finds a block by its address. The records of the first 32768 are in .bss, so that such a
 * block needs no map but its own two, and what the kernel does not take back can be written down
 * at any time. Sizes are bytes; usable sizes are whole pages.
 *
 * An area that the kernel refuses to take back is purged and becomes a spare, for reuse. Spares,
 * and blocks whose area has something left to give back, wait in one ring and are tried again
 * whenever a block comes or goes.
 */
#ifndef GUARD_LARGE_H
#define GUARD_LARGE_H

#include <stdbool.h>
#include <stddef.h>

#include "allocators/guard/lock.h"

extern struct lock large_lock;

/* size <= PTRDIFF_MAX; align a power of two. NULL: no memory. *ret_zero: whether it reads zero. */
void *large_alloc(size_t size, size_t align, bool *ret_zero);

/*
 * These panic, in the name of `what`, unless p is a live large block. large_free: whether the area
 * was unmapped.
 */
bool large_free(void *p, const char *what);
size_t large_usable(void *p, const char *what);

/*
 * The block with at least `size` bytes, in place or moved without a copy; NULL if neither is
 * possible, and then it is as it was.
 */
void *large_resize(void *p, size_t size, const char *what);

/*
 * Tries again what the kernel refused: up to the second refusal, each time from where the last one
 * ended; or all of it. Whether anything went.
 */
bool large_retry(void);
bool large_trim(void);

#endif
