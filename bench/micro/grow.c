/* Blocks that grow by realloc from 16 bytes on: by half of their size, or by 16 bytes. */
#include <stdlib.h>

#include "bench/micro/loops.h"
#include "bench/micro/micro.h"

enum { HALF, STEP };

static void *held;

static size_t next_size(const struct micro_run *r, size_t size)
{
	return r->micro->variant == HALF ? size + size / 2 : size + 16;
}

static const char *realloc_time(struct gbench_state *s, const struct micro_run *r)
{
	size_t top = (size_t)r->args[0];
	uint64_t n, calls = 0;

	while ((n = gbench_batch(s, UINT64_MAX)) > 0) {
		if (r->micro->variant == HALF)
			loop_realloc_half(top, n);
		else
			loop_realloc_step(top, n);
	}
	for (size_t size = 16; size <= top; size = next_size(r, size))
		calls++;
	gbench_items(s, gbench_total(s) * calls);
	return NULL;
}

static const char *realloc_hold(const struct micro_run *r)
{
	held = NULL;
	for (size_t size = 16; size <= (size_t)r->args[0]; size = next_size(r, size)) {
		void *p = realloc(held, size);

		if (!p)
			return "a block was refused";
		held = p;
		micro_touch(p, size);
	}
	return NULL;
}

static void realloc_drop(const struct micro_run *r)
{
	(void)r;
	free(held);
}

static void half_set_up(struct gbench *b)
{
	gbench_arg(b, 4096);
	gbench_arg(b, 1 << 20);
}

static void step_set_up(struct gbench *b)
{
	gbench_arg(b, 4096);
	gbench_arg(b, 64 << 10);
}

const struct micro micros_realloc[] = {
	{.name = "realloc_half",
	 .nargs = 1,
	 .variant = HALF,
	 .set_up = half_set_up,
	 .time = realloc_time,
	 .hold = realloc_hold,
	 .drop = realloc_drop},
	{.name = "realloc_step",
	 .nargs = 1,
	 .variant = STEP,
	 .set_up = step_set_up,
	 .time = realloc_time,
	 .hold = realloc_hold,
	 .drop = realloc_drop},
	{0},
};
