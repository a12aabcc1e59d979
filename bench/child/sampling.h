/*
 * sampling.h - what the sampled build does around phases and threads; nothing in the other one.
 */
#ifndef BENCH_CHILD_SAMPLING_H
#define BENCH_CHILD_SAMPLING_H

#include "bench/child/bench.h"

/* Before the first phase; calibrates. */
void sampling_begin(struct bench *b);
/* A thread starts or ends on this lane; main does on lane 0. */
void sampling_thread_begin(struct bench *b, struct lane *l);
void sampling_thread_end(struct bench *b, struct lane *l);
/* With no other thread running. What was seen in a phase that is not timed is dropped. */
void sampling_phase_begin(struct bench *b);
void sampling_phase_end(struct bench *b, bool timed);

#endif
