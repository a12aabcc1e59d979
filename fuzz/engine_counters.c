#include "fuzz/engine_counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * AFL++'s runtime, where it is linked: places are given out by the interface of the compiler's
 * guards (-fsanitize-coverage=trace-pc-guard), and a map of that size is made before the first
 * input. libFuzzer has the interface too and ends the process when it is used.
 */
extern uint8_t *__afl_area_ptr __attribute__((weak));
extern void __sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *stop)
	__attribute__((weak));

static uint8_t *own;
static size_t count;
static uint32_t *places; /* in the engine's map, of each; NULL: the engine reads `own` itself */

int engine_counters_init(void *counters, size_t n)
{
	if (places || !&__afl_area_ptr || !__sanitizer_cov_trace_pc_guard_init || n == 0)
		return 0;
	uint32_t *guards = calloc(n, sizeof(*guards));

	if (!guards)
		return -ENOMEM;
	__sanitizer_cov_trace_pc_guard_init(guards, guards + n);
	own = counters;
	count = n;
	places = guards;
	return 0;
}

static void tell(size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (own[i])
			__afl_area_ptr[places[i]] = own[i];
}

void engine_counters(void)
{
	size_t i = 0;

	/* Most are 0, and there are tens of thousands. */
	for (; places && i + sizeof(uint64_t) <= count; i += sizeof(uint64_t)) {
		uint64_t eight;

		memcpy(&eight, own + i, sizeof(eight));
		if (eight)
			tell(i, i + sizeof(eight));
	}
	if (!places)
		return;
	tell(i, count);
	memset(own, 0, count);
}
