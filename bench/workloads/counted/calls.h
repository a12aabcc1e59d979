/*
 * calls.h - the calls of a workload as a test answers them, which counts what it is asked for
 * (counted.h): the third of the builds that bench/child/pure/calls.h speaks of.
 */
#ifndef BENCH_WORKLOADS_COUNTED_CALLS_H
#define BENCH_WORKLOADS_COUNTED_CALLS_H

#include "bench/child/bench.h"

void *bench_malloc(struct lane *l, size_t size);
void *bench_realloc(struct lane *l, void *p, size_t old, size_t size);
void bench_free(struct lane *l, void *p, size_t size);

#endif
