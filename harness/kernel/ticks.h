/*
 * ticks.h - the cheapest clock there is, read so that what stands before it has been executed and
 * what stands behind it has not begun.
 *
 * x86-64: rdtscp waits for all instructions before it (not for their stores to be seen by others),
 * lfence keeps those behind it waiting. Elsewhere ticks are the nanoseconds of
 * CLOCK_MONOTONIC_RAW.
 */
#ifndef KERNEL_TICKS_H
#define KERNEL_TICKS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#if defined(__x86_64__)

#include <cpuid.h>

static inline __attribute__((always_inline)) uint64_t ticks_now(void)
{
	uint32_t low, high, processor;

	__asm__ volatile("rdtscp\n\tlfence" : "=a"(low), "=d"(high), "=c"(processor) : : "memory");
	return (uint64_t)high << 32 | low;
}

/* Whether ticks_now works here, and ticks are as long at any frequency (invariant TSC). */
static inline bool ticks_known(bool *ret_steady)
{
	unsigned a, b, c, d;

	if (!__get_cpuid(0x80000001, &a, &b, &c, &d) || !(d & 1u << 27))
		return false;
	*ret_steady = __get_cpuid(0x80000007, &a, &b, &c, &d) && (d & 1u << 8);
	return true;
}

#else

static inline uint64_t ticks_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static inline bool ticks_known(bool *ret_steady)
{
	*ret_steady = true;
	return true;
}

#endif

#endif
