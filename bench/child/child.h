/*
 * child.h - what the files of the benchmark's process share, and workloads do not see.
 *
 * One process runs one workload, so the state of each part is static in its file.
 */
#ifndef BENCH_CHILD_CHILD_H
#define BENCH_CHILD_CHILD_H

#include "bench/child/bench.h"

uint64_t child_now_ns(void); /* CLOCK_MONOTONIC */

/* Reserves what bench_memory gives out, so that no map comes later. 0 or -errno. */
int memory_init(struct bench_page *page);
/* Minor faults of this thread's that were for bench_memory, of all threads so far. */
uint64_t memory_faults(void);

/* Fills `b` from page->in and seeds the lanes. `alone`: there is no controller to wait for. */
void bench_begin(struct bench *b, struct bench_page *page, const struct workload *w, bool alone);
/* Ends the last phase. */
void bench_finish(struct bench *b);
/* The lane of main is 0. */
struct lane *bench_lane(struct bench *b, unsigned index);

/* Makes stacks for so many lanes, so that bench_threads need not in a phase. */
void threads_prepare(struct bench *b, unsigned n);

/* The phase "after" of page->in. */
void after_run(struct bench *b, struct lane *l);

/* NULL: no such workload. */
const struct workload *workload_by_name(const char *name);

/* Run by hand: fills page->in from the words of the command line. False: they are wrong. */
bool alone_options(int argc, char **argv, struct bench_page *page);
void alone_usage(void);
void alone_list(void);
void alone_report(const struct bench_page *page);

#endif
