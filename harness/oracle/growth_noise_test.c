/* What is no growth, however much it looks like it for a while. */
#include "harness/oracle/growth_testing.h"

static double constant(struct at *at)
{
	(void)at;
	return 100 * MIB;
}

static double filled_at(uint64_t i, uint64_t n, unsigned percent)
{
	uint64_t end = n * percent / 100;

	return (double)(i < end ? i : end) * MIB;
}

static double filled_at_30(struct at *at)
{
	return filled_at(at->i, at->n, 30);
}

static double filled_at_60(struct at *at)
{
	return filled_at(at->i, at->n, 60);
}

static double filled_at_80(struct at *at)
{
	return filled_at(at->i, at->n, 80);
}

/* Halves what is missing to 100 MiB in each quarter of the rounds. */
static double saturates(struct at *at)
{
	double factor = 1 - 2.772588722 / (double)at->n;

	at->level = at->i ? at->level * factor : 100 * MIB;
	return 100 * MIB - at->level;
}

static double decays(struct at *at)
{
	return 100 * MIB - saturates(at);
}

static double falls(struct at *at)
{
	return (double)(at->n - at->i) * MIB;
}

/* Newton's: no libm for one square root. */
static double square_root(struct at *at)
{
	double root = at->level > 1 ? at->level : 1;

	for (int k = 0; k < 8; k++)
		root = (root + (double)at->i / root) / 2;
	at->level = root;
	return root * 10 * MIB;
}

static double logarithm(struct at *at)
{
	at->level += 10 * MIB / (double)(at->i + 1);
	return at->level;
}

static double saw_tooth(struct at *at)
{
	return (double)(at->i % 37) * MIB;
}

static double slow_saw_tooth(struct at *at)
{
	return (double)((at->i + 20) % 150) * MIB;
}

static double single_late_step(struct at *at)
{
	return at->i >= at->n * 9 / 10 ? 64 * MIB : 0;
}

/* After 1, 2, 4, 8... rounds. */
static double rarer_steps(struct at *at)
{
	double level = 0;

	for (uint64_t step = 1; step <= at->i; step *= 2)
		level += MIB;
	return level;
}

static void no_line_is_none(void **state)
{
	static const curve curves[] = {
		constant, filled_at_30, filled_at_60, filled_at_80, saturates,	 decays,
		falls,	  square_root,	logarithm,    saw_tooth,    rarer_steps, single_late_step,
	};
	struct fixture *f = *state;
	struct growth_line line;

	for (unsigned i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		for (uint64_t n = 60; n < 10000; n = n * 3 / 2)
			if (bytes_grow(f, curves[i], n, &line))
				fail_msg("curve %u is taken for a line in %d rounds", i, (int)n);
	for (uint64_t n = 300; n < 10000; n = n * 3 / 2)
		assert_false(bytes_grow(f, slow_saw_tooth, n, &line));
}

/* A short run sees a line; the longer one sees more. */
static void a_suspicion_is_not_confirmed(void **state)
{
	struct fixture *f = *state;
	struct growth_line line, longer = {0};

	assert_true(bytes_grow(f, slow_saw_tooth, 120, &line));
	assert_false(found(f, slow_saw_tooth, 120));
	assert_true(growth_confirms(&line, &line));
	longer = line;
	longer.metric = GROWTH_RSS;
	assert_false(growth_confirms(&line, &longer));
	longer.metric = line.metric;
	longer.per_round = line.per_round * 0.65;
	assert_true(growth_confirms(&line, &longer));
	assert_true(growth_confirms(&longer, &line));
	longer.per_round = line.per_round * 0.5;
	assert_false(growth_confirms(&line, &longer));
	assert_false(growth_confirms(&longer, &line));
}

static double independent(struct at *at)
{
	return 100 * MIB + chance(at->f) * 10 * MIB;
}

/* A walk that is drawn back to its level: slowly, so that it looks like a trend for long. */
static double walk_around(struct at *at)
{
	at->level = at->level * 0.99 + (chance(at->f) - 0.5) * MIB;
	return 100 * MIB + at->level;
}

static double walk_away(struct at *at)
{
	at->level += (chance(at->f) - 0.5) * MIB;
	return 10000 * MIB + at->level;
}

static double walk_high_water(struct at *at)
{
	double now = walk_away(at);

	at->most[0] = now > at->most[0] ? now : at->most[0];
	return at->most[0];
}

/* Size classes that each keep the most that they ever needed; large needs are rare. */
static double classes_high_water(struct at *at)
{
	double sum = 0;

	for (int k = 0; k < 64; k++) {
		double now = MIB / (chance(at->f) + 0.02);

		at->most[k] = now > at->most[k] ? now : at->most[k];
		sum += at->most[k];
	}
	return sum;
}

static double few_steps(struct at *at)
{
	at->level += chance(at->f) < 20 / (double)at->n ? 2 * MIB : 0;
	return at->level;
}

struct noise {
	curve c;
	unsigned suspected; /* of a thousand runs, at most */
	const char *name;
};

static const struct noise noises[] = {
	{independent, 0, "independent"},	   {walk_around, 2, "a walk around a level"},
	{walk_away, 5, "a random walk"},	   {walk_high_water, 5, "the highest of a walk"},
	{classes_high_water, 150, "size classes"}, {few_steps, 250, "few steps"},
};

static void noise_is_no_line(void **state)
{
	struct fixture *f = *state;
	struct growth_line line;

	for (unsigned i = 0; i < sizeof(noises) / sizeof(noises[0]); i++) {
		const struct noise *x = &noises[i];
		unsigned suspected = 0, confirmed = 0;

		for (unsigned run = 0; run < 1000; run++) {
			if (!bytes_grow(f, x->c, 200, &line))
				continue;
			suspected++;
			confirmed += found(f, x->c, 200);
		}
		if (suspected > x->suspected || confirmed)
			fail_msg("%s: suspected %u times, confirmed %u", x->name, suspected,
				 confirmed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_line_is_none, start, end),
		cmocka_unit_test_setup_teardown(a_suspicion_is_not_confirmed, start, end),
		cmocka_unit_test_setup_teardown(noise_is_no_line, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
