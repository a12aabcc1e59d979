/*
 * memory.h - what a micro needs at its peak and what stays after it, in a process of its own.
 */
#ifndef BENCH_MICRO_MEMORY_H
#define BENCH_MICRO_MEMORY_H

#include "bench/micro/micro.h"

/* First argument of such a process: MEMORY_ARGUMENT NAME THREADS ARGS... */
#define MEMORY_ARGUMENT "--memory-of"

/* Of this process, and the limit; -1: not known. */
int64_t memory_maps(void);
int64_t memory_max_map_count(void);

/*
 * Measures and adds the rows peak_maps, peak_rss_bytes and kept_bytes: beyond what was there before
 * the first round, with all threads there; never below 0. Why it could not.
 */
const char *memory_rows(struct gbench_state *s, const struct micro_run *r);

/* The main function of such a process. */
int memory_main(int argc, char **argv);

#endif
