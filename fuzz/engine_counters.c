#include "fuzz/engine_counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * What the compiler calls for -fsanitize-coverage=trace-pc-guard: the engine gives each guard a
 * place in its map, and counts there. Only AFL++ is told, and only where its map may still grow:
 * afl-fuzz says by this variable that the driver decides when inputs begin. libFuzzer and a map
 * that is fixed end the process when they meet more guards.
 */
#define MAP_GROWS "__AFL_DEFER_FORKSRV"

extern void __sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *stop)
	__attribute__((weak));
extern void __sanitizer_cov_trace_pc_guard(uint32_t *guard) __attribute__((weak));

static uint8_t *own;
static size_t count;
static uint32_t *guards; /* of each; NULL: the engine reads `own` itself, or nobody does */

int engine_counters_init(void *counters, size_t n)
{
	/* A replay, afl-showmap: the code's map is as it is. */
	if (guards || n == 0 || !getenv(MAP_GROWS) || !__sanitizer_cov_trace_pc_guard_init ||
	    !__sanitizer_cov_trace_pc_guard)
		return 0;
	guards = calloc(n, sizeof(*guards));
	if (!guards)
		return -ENOMEM;
	__sanitizer_cov_trace_pc_guard_init(guards, guards + n);
	own = counters;
	count = n;
	return 0;
}

/* The engine's buckets begin at 1, 2, 3, 4, 8, 16, 32 and 128: no more calls than it tells apart.
 */
static unsigned bucket(uint8_t n)
{
	static const uint8_t from[] = {128, 32, 16, 8, 4};

	for (unsigned i = 0; i < sizeof(from); i++)
		if (n >= from[i])
			return from[i];
	return n;
}

static void tell(size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		for (unsigned n = bucket(own[i]); n > 0; n--)
			__sanitizer_cov_trace_pc_guard(&guards[i]);
}

void engine_counters(void)
{
	size_t i = 0;

	/* Most are 0, and there are tens of thousands. */
	for (; guards && i + sizeof(uint64_t) <= count; i += sizeof(uint64_t)) {
		uint64_t eight;

		memcpy(&eight, own + i, sizeof(eight));
		if (eight)
			tell(i, i + sizeof(eight));
	}
	if (!guards)
		return;
	tell(i, count);
	memset(own, 0, count);
}
