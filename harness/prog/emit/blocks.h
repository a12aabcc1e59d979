/*
 * blocks.h - the allocator's calls, each on one slot b[i], and what is asked of them: where blocks
 * lie, how they are aligned, what they hold, and what errno says.
 *
 * All take the slot and up to two numbers, in the order of the C functions, so that a thread can be
 * asked for any of them. They go through pointers found at run time: to whatever allocator the
 * process has, and out of reach of a compiler that knows what malloc and free are. A function that
 * the allocator's own file does not have is not called. A call on a full slot that fills an empty
 * one is not made.
 */
#ifndef EMIT_BLOCKS_H
#define EMIT_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/prog/emit/patterns.h"

struct block {
	void *p;
	size_t size, align, usable;
	int by; /* which call made it */
	bool knows_usable;
	unsigned char is_busy; /* in a section: a call on it is going on */
	struct pattern pattern;
};

/* Of the program: below main(). */
extern struct block b[];
extern const unsigned block_slots;

/* Told of memory that was given back; NULL: nobody. */
extern void (*block_goes)(void *p, size_t size);

void blocks_start(void);
/* The last thing in each process: whether all blocks hold what was written. */
void blocks_finish(void);

int malloc_block(unsigned slot, size_t size, size_t unused);
int calloc_block(unsigned slot, size_t n, size_t size);
int realloc_block(unsigned slot, size_t size, size_t unused);
int reallocarray_block(unsigned slot, size_t n, size_t size);
int aligned_alloc_block(unsigned slot, size_t align, size_t size);
int posix_memalign_block(unsigned slot, size_t align, size_t size);
int memalign_block(unsigned slot, size_t align, size_t size);
int valloc_block(unsigned slot, size_t size, size_t unused);
int pvalloc_block(unsigned slot, size_t size, size_t unused);
int free_block(unsigned slot, size_t unused_a, size_t unused_b);
int free_sized_block(unsigned slot, size_t unused_a, size_t unused_b);
int free_aligned_sized_block(unsigned slot, size_t unused_a, size_t unused_b);
int usable_block(unsigned slot, size_t unused_a, size_t unused_b);
/* Writes a part of it; ALL: its usable bytes. */
int touch_block(unsigned slot, size_t off, size_t len);
/* The allocator's own purge. */
int trim_heap(unsigned unused, size_t unused_a, size_t unused_b);

#endif
