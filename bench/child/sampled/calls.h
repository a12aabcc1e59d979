/*
 * calls.h - the calls of a workload into the allocator, sampled: for latency and kernel calls.
 *
 * The same functions as in pure/calls.h, which says what they mean.
 */
#ifndef BENCH_CHILD_CALLS_H
#define BENCH_CHILD_CALLS_H

#include <stdlib.h>
#include <sys/mman.h>

#include "bench/child/bench.h"
#include "bench/child/counts.h"
#include "bench/child/sampled/sample.h"

BENCH_INLINE void *bench_malloc(struct lane *l, size_t size)
{
	struct sample this = sample_begin(l);
	void *p = malloc(size);

	sample_end(l, &this, BENCH_MALLOC);
	counts_took(l, p, size);
	return p;
}

BENCH_INLINE void *bench_calloc(struct lane *l, size_t count, size_t size)
{
	struct sample this = sample_begin(l);
	void *p = calloc(count, size);

	sample_end(l, &this, BENCH_MALLOC);
	counts_took(l, p, count * size);
	return p;
}

BENCH_INLINE void *bench_realloc(struct lane *l, void *p, size_t old, size_t size)
{
	bool had = p != NULL;
	struct sample this = sample_begin(l);
	void *fresh = realloc(p, size);

	sample_end(l, &this, BENCH_REALLOC);
	counts_changed(l, fresh, had, old, size);
	return fresh;
}

BENCH_INLINE void *bench_aligned(struct lane *l, size_t align, size_t size)
{
	struct sample this = sample_begin(l);
	void *p = aligned_alloc(align, size);

	sample_end(l, &this, BENCH_ALIGNED);
	counts_took(l, p, size);
	return p;
}

BENCH_INLINE void bench_free(struct lane *l, void *p, size_t size)
{
	counts_gave(l, p, size);
	struct sample this = sample_begin(l);

	free(p);
	sample_end(l, &this, BENCH_FREE);
}

/* Mapping calls are the workload's own: timed, and none of the allocator's kernel calls. */
BENCH_INLINE void *bench_mmap(struct lane *l, size_t bytes)
{
	struct sample this = sample_start(l);

	l->counts->ops++;
	if (__builtin_expect(this.timed, 0))
		this.start = ticks_now();
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	sample_end(l, &this, BENCH_MMAP);
	return p;
}

BENCH_INLINE bool bench_munmap(struct lane *l, void *p, size_t bytes)
{
	struct sample this = sample_start(l);

	l->counts->ops++;
	if (__builtin_expect(this.timed, 0))
		this.start = ticks_now();
	bool done = munmap(p, bytes) == 0;

	sample_end(l, &this, BENCH_MMAP);
	return done;
}

#endif
