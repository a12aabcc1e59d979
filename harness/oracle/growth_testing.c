#include "harness/oracle/growth_testing.h"

int start(void **state)
{
	static struct fixture f;

	f.seed = UINT64_C(0x9e3779b97f4a7c15);
	assert_int_equal(arena_init(&f.arena, growth_arena_bytes()), 0);
	assert_int_equal(growth_new(&f.arena, &f.g), 0);
	*state = &f;
	return 0;
}

int end(void **state)
{
	arena_release(&((struct fixture *)*state)->arena);
	return 0;
}

double chance(struct fixture *f)
{
	f->seed ^= f->seed << 13;
	f->seed ^= f->seed >> 7;
	f->seed ^= f->seed << 17;
	return (double)(f->seed >> 11) / (double)(UINT64_C(1) << 53);
}

struct growth_sample sample(uint64_t round, enum growth_metric metric, double value)
{
	struct growth_sample s = {.round = round,
				  .value = {-1, -1, -1},
				  .live_blocks = 10,
				  .live_bytes = 1000,
				  .program_bytes = 4096};

	s.value[metric] = (int64_t)value;
	return s;
}

void feed(struct fixture *f, enum growth_metric metric, curve c, uint64_t n)
{
	struct at at = {.f = f, .n = n};

	growth_begin(f->g, false);
	for (; at.i < n; at.i++) {
		struct growth_sample s = sample(at.i, metric, c(&at));

		if (growth_wants(f->g, at.i))
			growth_add(f->g, &s);
	}
}

bool bytes_grow(struct fixture *f, curve c, uint64_t n, struct growth_line *ret_line)
{
	feed(f, GROWTH_MAPPED, c, n);
	return growth_judge(f->g, ret_line);
}

bool found(struct fixture *f, curve c, uint64_t n)
{
	struct growth_line first, stretched;

	if (!bytes_grow(f, c, n, &first))
		return false;
	feed(f, first.metric, c, n * GROWTH_STRETCH);
	return growth_judge_metric(f->g, first.metric, &stretched) &&
	       growth_confirms(&first, &stretched);
}
