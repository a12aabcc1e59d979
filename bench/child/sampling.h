/*
 * sampling.h - what the sampled build does around phases and threads; nothing in the other one.
 */
#ifndef BENCH_CHILD_SAMPLING_H
#define BENCH_CHILD_SAMPLING_H

#include "bench/child/bench.h"

/* On the main thread, before any other: calibrates, and says so on the page. */
void sampling_begin(struct bench *b);
/* Before the lane is used: its memory. */
void sampling_lane(struct bench *b, struct lane *l);
/* The calling thread works on this lane from now on. */
void sampling_thread_begin(struct bench *b, struct lane *l);
/* It is about to end: what its destructors do is the allocator's. */
void sampling_thread_end(struct lane *l);
/* With no other thread running. What was seen in a phase that is not timed is dropped. */
void sampling_phase_end(struct bench *b, bool timed);
/* For people, to standard output. */
void sampling_report(const struct bench_page *p);

#endif
