/*
 * fence.h - the second mode of guard: each block ends at an inaccessible page.
 *
 *	slack       the bytes of a block's pages before and behind it; filled, and checked when the
 *		    block is freed
 *	quarantine  blocks that were freed, oldest first: inaccessible, without memory, and not used
 *		    again until more were freed than the knobs allow
 *	knobs       GUARD_QUARANTINE, GUARD_QUARANTINE_BLOCKS, GUARD_ALIGN, GUARD_FENCE (README.md)
 *
 * One lock guards everything. Misuse ends the process with a line on fd 2 that names the block and
 * the calls that made and ended it; calls are counted from 1, one number for each that was not
 * refused for its arguments. A fault on a page of this mode is reported and passed on
 *(fence_fault.h).
 *
 * errno is kept, save for ENOMEM when NULL is returned by fence_alloc and fence_resize.
 */
#ifndef GUARD_FENCE_H
#define GUARD_FENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocators/guard/line.h"

/* Entry points, as records name them. */
enum entry {
	ENTRY_MALLOC,
	ENTRY_CALLOC,
	ENTRY_REALLOC,
	ENTRY_REALLOCARRAY,
	ENTRY_ALIGNED_ALLOC,
	ENTRY_MEMALIGN,
	ENTRY_POSIX_MEMALIGN,
	ENTRY_VALLOC,
	ENTRY_PVALLOC,
	ENTRY_FREE,
	ENTRY_FREE_SIZED,
	ENTRY_FREE_ALIGNED_SIZED,
	ENTRY_USABLE_SIZE,
	ENTRY_TRIM,
};

/*
 * A block of exactly `size` bytes that reads zero. `align`: a power of two, or 0 where none was
 * asked for; any block is aligned for what fits into it (C17 7.22.3), up to 16. NULL: no memory.
 */
void *fence_alloc(size_t size, size_t align, enum entry by);

/* As realloc, p NULL and size 0 included. A block of another size has another address. */
void *fence_resize(void *p, size_t size, enum entry by);

/* What free is told of a block, beside its address. */
struct fence_claim {
	bool has_size, has_align;
	size_t size, align;
};

void fence_free(void *p, const struct fence_claim *claim, enum entry by);
size_t fence_usable(void *p);

/* Ends the quarantine and tries again whatever was refused. Whether mappings went. */
bool fence_trim(void);

/*
 * For a fault at an address: whether it lies in memory of this mode and is worth a line, which then
 * says how it stands to the nearest block. `access`: "read", say. False when the calling thread is
 * inside this mode.
 */
bool fence_explain(struct line *l, uintptr_t address, const char *access);

/* How many calls there were. */
uint64_t fence_calls(void);

/* For fork.c. */
void fence_lock_all(void);
void fence_unlock_all(void);
void fence_reset_all(void);

#endif
