/*
 * guard as an allocator that misuses itself, so that a run under allocrig meets what a program text
 * cannot say: free() of a block of one of these sizes does what its name says first.
 */
#include <malloc.h>
#include <stdlib.h>

#include "allocators/guard/guard.h"

enum misuse { WRITE_BEHIND = 1001, READ_AFTER_FREE = 1002, FREE_TWICE = 1003 };

static volatile unsigned char sink;

GUARD_API void *malloc(size_t size)
{
	return guard_malloc(size);
}

GUARD_API void *calloc(size_t count, size_t size)
{
	return guard_calloc(count, size);
}

GUARD_API void *realloc(void *p, size_t size)
{
	return guard_realloc(p, size);
}

GUARD_API void *aligned_alloc(size_t align, size_t size)
{
	return guard_aligned_alloc(align, size);
}

GUARD_API size_t malloc_usable_size(void *p)
{
	return guard_malloc_usable_size(p);
}

GUARD_API int malloc_trim(size_t pad)
{
	return guard_malloc_trim(pad);
}

GUARD_API void free(void *p)
{
	unsigned char *volatile block = p;
	size_t size = guard_malloc_usable_size(p);

	if (size == WRITE_BEHIND)
		block[4096] = 1;
	guard_free(p);
	if (size == READ_AFTER_FREE)
		sink = block[1];
	if (size == FREE_TWICE)
		guard_free(block);
}
