#include "bench/child/sampled/calibrate.h"

#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "harness/kernel/ticks.h"
#include "harness/kernel/trap.h"

#define TIMES 1001

/* Both clocks at one moment: ticks around a reading of the other, the narrowest of some. */
struct moment {
	uint64_t ticks, ns;
};

static struct moment moment_now(void)
{
	struct moment best = {0};
	uint64_t width = UINT64_MAX;

	for (unsigned i = 0; i < 16; i++) {
		struct timespec ts;
		uint64_t before = ticks_now();

		clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
		uint64_t after = ticks_now();

		if (after - before >= width)
			continue;
		width = after - before;
		best.ticks = before + width / 2;
		best.ns = (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
	}
	return best;
}

uint64_t calibrate_ticks_per_ms(uint64_t ns)
{
	const struct timespec nap = {.tv_nsec = 1000000};
	struct moment from = moment_now(), to;

	do {
		nanosleep(&nap, NULL);
		to = moment_now();
	} while (to.ns - from.ns < ns);
	return (uint64_t)((__uint128_t)(to.ticks - from.ticks) * 1000000 / (to.ns - from.ns));
}

/* By insertion: qsort may allocate. */
static uint64_t median(uint64_t *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		uint64_t x = v[i];
		size_t j = i;

		for (; j > 0 && v[j - 1] > x; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
	return v[n / 2];
}

uint64_t calibrate_timer(void)
{
	uint64_t took[TIMES];

	for (size_t i = 0; i < TIMES; i++) {
		uint64_t start = ticks_now();

		took[i] = ticks_now() - start;
	}
	return median(took, TIMES);
}

static uint64_t time_kernel_call(bool seen)
{
	if (seen)
		trap_on();
	uint64_t start = ticks_now();

	syscall(SYS_getppid);
	uint64_t took = ticks_now() - start;

	trap_off();
	return took;
}

/* In turns, so that both have the same machine. */
uint64_t calibrate_trap(void)
{
	uint64_t unseen[TIMES], seen[TIMES];

	for (size_t i = 0; i < TIMES; i++) {
		unseen[i] = time_kernel_call(false);
		seen[i] = time_kernel_call(true);
	}
	uint64_t less = median(unseen, TIMES), more = median(seen, TIMES);

	return more > less ? more - less : 0;
}
