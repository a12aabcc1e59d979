/* So many blocks at once, freed in the order of allocation, the other way round, or at random. */
#include <stdlib.h>

#include "bench/micro/loops.h"
#include "bench/micro/micro.h"

enum { FIFO, LIFO, RANDOM };

static void *blocks[MICRO_BLOCKS];
static uint32_t order[MICRO_BLOCKS];

static size_t count_of(const struct micro_run *r)
{
	return (size_t)r->args[0];
}

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

/* The same shuffle each time. */
static void order_fill(const struct micro_run *r)
{
	size_t n = count_of(r);
	uint64_t state = 1;

	for (size_t i = 0; i < n; i++)
		order[i] = (uint32_t)(r->micro->variant == LIFO ? n - 1 - i : i);
	for (size_t left = n; left > 1 && r->micro->variant == RANDOM; left--) {
		size_t i = next_random(&state) % left;
		uint32_t other = order[i];

		order[i] = order[left - 1];
		order[left - 1] = other;
	}
}

static const char *batch_time(struct gbench_state *s, const struct micro_run *r)
{
	size_t count = count_of(r), size = (size_t)r->args[1];
	uint64_t n;

	order_fill(r);
	while ((n = gbench_batch(s, UINT64_MAX)) > 0) {
		for (uint64_t i = 0; i < n; i++) {
			loop_fill(blocks, count, size);
			loop_drop(blocks, order, count);
		}
	}
	gbench_items(s, gbench_total(s) * count);
	return NULL;
}

static const char *batch_hold(const struct micro_run *r)
{
	size_t size = (size_t)r->args[1];
	bool refused = false;

	order_fill(r);
	loop_fill(blocks, count_of(r), size);
	for (size_t i = 0; i < count_of(r); i++) {
		if (blocks[i])
			micro_touch(blocks[i], size);
		refused |= !blocks[i];
	}
	return refused ? "a block was refused" : NULL;
}

static void batch_drop(const struct micro_run *r)
{
	loop_drop(blocks, order, count_of(r));
}

static void batch_set_up(struct gbench *b)
{
	static const int64_t counts[] = {100, MICRO_BLOCKS}, sizes[] = {64, 4096};
	static const char *const names[] = {"blocks", "bytes"};
	const struct gbench_list lists[] = {{counts, 2}, {sizes, 2}};

	gbench_product(b, lists, 2);
	gbench_arg_names(b, names, 2);
}

const struct micro micros_batch[] = {
	{.name = "batch_fifo",
	 .nargs = 2,
	 .variant = FIFO,
	 .set_up = batch_set_up,
	 .time = batch_time,
	 .hold = batch_hold,
	 .drop = batch_drop},
	{.name = "batch_lifo",
	 .nargs = 2,
	 .variant = LIFO,
	 .set_up = batch_set_up,
	 .time = batch_time,
	 .hold = batch_hold,
	 .drop = batch_drop},
	{.name = "batch_random",
	 .nargs = 2,
	 .variant = RANDOM,
	 .set_up = batch_set_up,
	 .time = batch_time,
	 .hold = batch_hold,
	 .drop = batch_drop},
	{0},
};
