/*
 * memory_child.h - what the process that measures a micro's memory sends to the one that asked.
 */
#ifndef BENCH_MICRO_MEMORY_CHILD_H
#define BENCH_MICRO_MEMORY_CHILD_H

#include <stdint.h>

#define MEMORY_RESULT_FD 3
#define MEMORY_WHY_MAX	 160
#define MEMORY_LIMIT_S	 60

struct memory_moment {
	int64_t maps, rss; /* of the process; rss in bytes */
};

struct memory_result {
	/* Before the first round; the highest, wherever it was; after the last. */
	struct memory_moment before, peak, after;
	char why[MEMORY_WHY_MAX]; /* it failed; "": it did not */
};

#endif
