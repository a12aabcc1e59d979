/*
 * canary_core.h - a small correct allocator, and the places where a canary breaks it.
 *
 * Every canary is this core and one file that defines `canary`: functions that stand in for the
 * core's at the calls it exports. A NULL member is the core's own. The one defect stands in that
 * file; beside it lies a program that provokes it. `correct` changes nothing and must stay clean.
 *
 * The core: chunks of 32 bytes to 64 KiB in powers of two, cut from regions and kept in a list per
 * size; larger ones are mappings of their own; those that the kernel does not take back are kept,
 * handed out again, and tried again. The 16 bytes before a block hold its header. One
 * spinlock; fork is prepared by atfork handlers.
 */
#ifndef CANARY_CORE_H
#define CANARY_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CORE_ALIGN 16

/* Blocks with more usable bytes than this are mappings of their own. */
#define CORE_SMALL_MAX ((64u << 10) - CORE_ALIGN)

struct canary {
	void *(*malloc)(size_t size);
	void *(*calloc)(size_t count, size_t size);
	void *(*realloc)(void *p, size_t size);
	void *(*reallocarray)(void *p, size_t count, size_t size);
	void *(*aligned_alloc)(size_t align, size_t size);
	int (*posix_memalign)(void **ret_p, size_t align, size_t size);
	void *(*memalign)(size_t align, size_t size);
	void *(*valloc)(size_t size);
	void *(*pvalloc)(size_t size);
	void (*free)(void *p);
	void (*free_sized)(void *p, size_t size);
	void (*free_aligned_sized)(void *p, size_t align, size_t size);
	size_t (*usable)(void *p);
	int (*trim)(size_t pad);
	bool lock_stays_held_in_child; /* no atfork handler for the child */
};

extern const struct canary canary;

void *core_malloc(size_t size);
/* `align` is a power of two; the block begins `skew` bytes behind an aligned address. */
void *core_aligned(size_t align, size_t size, size_t skew);
void *core_calloc(size_t count, size_t size);
void *core_realloc(void *p, size_t size);
void *core_reallocarray(void *p, size_t count, size_t size);
void *core_aligned_alloc(size_t align, size_t size);
int core_posix_memalign(void **ret_p, size_t align, size_t size);
void *core_pvalloc(size_t size);
void core_free(void *p);
/* Unmaps a chunk of a large block, or keeps it. */
void core_unmap(void *chunk, size_t bytes);
/* The chunk that a large block lies in. */
void *core_chunk(void *p, size_t *ret_bytes);
size_t core_usable(void *p);

#endif
