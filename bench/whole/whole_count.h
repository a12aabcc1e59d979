/*
 * whole_count.h - how often a process called which function of the malloc family: a file that the
 * counting library (whole_count.c) maps, so that it is whole however the process ends.
 */
#ifndef BENCH_WHOLE_COUNT_H
#define BENCH_WHOLE_COUNT_H

#include <stdint.h>

#define WHOLE_COUNT_FILE "allocrig-whole-count.so" /* beside allocrig */
#define WHOLE_COUNT_ENV	 "ALLOCRIG_WHOLE_COUNTS"   /* the folder of the files */
#define WHOLE_COUNT_NAME "counts."		   /* and the number of the process */

enum whole_call {
	WHOLE_MALLOC,
	WHOLE_FREE,
	WHOLE_CALLOC,
	WHOLE_REALLOC,
	WHOLE_ALIGNED_ALLOC,
	WHOLE_POSIX_MEMALIGN,
	WHOLE_MEMALIGN,
	WHOLE_VALLOC,
	WHOLE_PVALLOC,
	WHOLE_USABLE,
	WHOLE_CALLS
};

struct whole_counts {
	char program[64]; /* base name of argv[0] */
	uint64_t calls[WHOLE_CALLS];
};

/* As linkers know them, in the order of enum whole_call. */
extern const char *const whole_call_names[WHOLE_CALLS];

#endif
