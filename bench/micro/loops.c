#include "bench/micro/loops.h"

#include <stdlib.h>

#include "bench/gbench.h"

void loop_malloc_free(size_t size, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		void *p = malloc(size);

		GBENCH_KEEP(p);
		free(p);
	}
}

void loop_calloc_free(size_t size, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		void *p = calloc(1, size);

		GBENCH_KEEP(p);
		free(p);
	}
}

void loop_aligned_free(size_t align, size_t size, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		void *p = NULL;

		/* What is returned says no more than a NULL. */
		(void)!posix_memalign(&p, align, size);
		GBENCH_KEEP(p);
		free(p);
	}
}

void loop_realloc_half(size_t top, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		void *p = NULL;

		for (size_t size = 16; size <= top; size += size / 2) {
			p = realloc(p, size);
			GBENCH_KEEP(p);
		}
		free(p);
	}
}

void loop_realloc_step(size_t top, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		void *p = NULL;

		for (size_t size = 16; size <= top; size += 16) {
			p = realloc(p, size);
			GBENCH_KEEP(p);
		}
		free(p);
	}
}

void loop_fill(void **blocks, size_t count, size_t size)
{
	for (size_t i = 0; i < count; i++)
		blocks[i] = malloc(size);
}

void loop_drop(void **blocks, const uint32_t *order, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(blocks[order[i]]);
}
