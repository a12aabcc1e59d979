/*
 * fuzz_clock.h - CLOCK_MONOTONIC in nanoseconds, without what else hunt.h knows.
 */
#ifndef CLI_FUZZ_CLOCK_H
#define CLI_FUZZ_CLOCK_H

#include <stdint.h>
#include <time.h>

#define FUZZ_NS_PER_S 1000000000u

static inline uint64_t fuzz_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * FUZZ_NS_PER_S + (uint64_t)t.tv_nsec;
}

#endif
