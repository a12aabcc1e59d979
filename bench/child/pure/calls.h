/*
 * calls.h - the calls of a workload into the allocator, as they are: for time and memory.
 *
 * The folder on the include path says which build it is: sampled/calls.h has the same functions,
 * which also time one call in some hundred. Sizes go to the lane's counts; a workload says the size
 * again when it frees, since asking the allocator would be a call of its own.
 */
#ifndef BENCH_CHILD_CALLS_H
#define BENCH_CHILD_CALLS_H

#include <stdlib.h>
#include <sys/mman.h>

#include "bench/child/bench.h"
#include "bench/child/counts.h"

BENCH_INLINE void *bench_malloc(struct lane *l, size_t size)
{
	void *p = malloc(size);

	counts_took(l, p, size);
	return p;
}

BENCH_INLINE void *bench_calloc(struct lane *l, size_t count, size_t size)
{
	void *p = calloc(count, size);

	counts_took(l, p, count * size);
	return p;
}

BENCH_INLINE void *bench_realloc(struct lane *l, void *p, size_t old, size_t size)
{
	bool had = p != NULL;
	void *fresh = realloc(p, size);

	counts_changed(l, fresh, had, old, size);
	return fresh;
}

BENCH_INLINE void *bench_aligned(struct lane *l, size_t align, size_t size)
{
	void *p = aligned_alloc(align, size);

	counts_took(l, p, size);
	return p;
}

BENCH_INLINE void bench_free(struct lane *l, void *p, size_t size)
{
	counts_gave(l, p, size);
	free(p);
}

/* Private, anonymous, read and write. MAP_FAILED: refused, and that ends nothing. */
BENCH_INLINE void *bench_mmap(struct lane *l, size_t bytes)
{
	l->counts->ops++;
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* False: refused. */
BENCH_INLINE bool bench_munmap(struct lane *l, void *p, size_t bytes)
{
	l->counts->ops++;
	return munmap(p, bytes) == 0;
}

#endif
