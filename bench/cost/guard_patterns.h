/*
 * guard_patterns.h - the processes that guard-bench starts: one allocation pattern each, on
 * whatever malloc the process has.
 */
#ifndef BENCH_GUARD_PATTERNS_H
#define BENCH_GUARD_PATTERNS_H

#include <stdbool.h>

struct pattern_result {
	double wall_ns; /* until all threads are done, divided by the ops of one */
	double cpu_ns;	/* processor time of all threads, divided by the ops of all */
	/* Beyond those before the work, with all threads there: at most, and after the last free.
	 */
	long peak_maps, left_maps, left_bytes;
	char served_by[256]; /* path of the object that malloc lies in */
};

/*
 * Runs a pattern on so many threads, the main one included, and writes the result to fd 1. With
 * `maps` it reads the maps every few ops, and the time is worth nothing. The exit code.
 */
int pattern_main(const char *name, unsigned threads, bool maps);

#endif
