#include <calls.h>

#include <errno.h>
#include <time.h>

#include "bench/child/child.h"
#include "bench/child/served.h"

#define LIGHT_BLOCKS 200
#define LIGHT_NS     10000000

static void wait_until(uint64_t ns)
{
	struct timespec ts = {.tv_sec = (time_t)(ns / 1000000000),
			      .tv_nsec = (long)(ns % 1000000000)};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

/* Small blocks, all of them live for a moment. */
static void light_round(struct lane *l)
{
	void *blocks[LIGHT_BLOCKS];
	size_t sizes[LIGHT_BLOCKS];

	for (unsigned i = 0; i < LIGHT_BLOCKS; i++) {
		sizes[i] = 16 + lane_under(l, 496);
		blocks[i] = bench_malloc(l, sizes[i]);
		bench_touch(blocks[i], sizes[i]);
	}
	for (unsigned i = 0; i < LIGHT_BLOCKS; i++)
		bench_free(l, blocks[i], sizes[i]);
}

static void light(struct lane *l, uint64_t until)
{
	for (uint64_t next = child_now_ns(); next < until; next += LIGHT_NS) {
		light_round(l);
		wait_until(next + LIGHT_NS);
	}
}

void after_run(struct bench *b, struct lane *l)
{
	const struct bench_request_in *in = &b->page->in;

	if (in->after == BENCH_AFTER_NOTHING)
		return;
	bench_phase(b, "after", false);
	uint64_t until = child_now_ns() + in->after_ns;

	if (in->after == BENCH_AFTER_PURGE)
		served_purge();
	if (in->after == BENCH_AFTER_LIGHT)
		light(l, until);
	wait_until(until);
}
