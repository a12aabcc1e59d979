/* What cfrac and espresso ask for against the percentiles that they are described by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/workloads/counted/counted.h"
#include "bench/workloads/quantiles.h"

extern const struct workload workload_cfrac, workload_espresso;

/* Within 10 percent. */
static void assert_near(double value, double wanted)
{
	if (value < wanted * 0.9 || value > wanted * 1.1)
		fail_msg("%g, and not near %g", value, wanted);
}

static void assert_size(const struct counted *c, double share, double wanted)
{
	assert_near((double)counted_quantile(c->sizes, COUNTED_SIZES, share), wanted);
}

static double lives_within(const struct counted *c, uint64_t mallocs)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i <= mallocs; i++)
		n += c->lives[i];
	/* What was freed at the end lived longer than that. */
	return (double)n / (double)c->mallocs;
}

static void assert_freed(const struct counted *c)
{
	assert_int_equal(c->mallocs, c->frees);
	assert_int_equal(c->wrong_sizes, 0);
	assert_int_equal(c->live_blocks, 0);
	assert_int_equal(c->live_bytes, 0);
}

static void test_espresso(void **state)
{
	const struct counted *c = counted_run(&workload_espresso, 10);

	(void)state;
	assert_freed(c);
	assert_size(c, 0.5, 48);
	assert_size(c, 0.9, 88);
	assert_size(c, 0.99, 1136);
	assert_size(c, 1, 55 << 10);
	assert_near((double)c->reallocs, 0.01 * (double)(c->mallocs + c->reallocs + c->frees));
	assert_near((double)c->peak_blocks, 4400);
	assert_near((double)c->peak_bytes, 0.44e6);
	assert_true(lives_within(c, 63) > 0.5);
	assert_true(lives_within(c, 2047) > 0.9);
	/* And no more than that: an allocator that only keeps the last few sees the difference. */
	assert_true(lives_within(c, 31) < 0.5);
	assert_true(lives_within(c, 1023) < 0.9);
}

static void test_cfrac(void **state)
{
	const struct counted *c = counted_run(&workload_cfrac, 35);

	(void)state;
	assert_freed(c);
	assert_size(c, 0.5, 18);
	assert_size(c, 0.9, 28);
	assert_size(c, 1, 4096);
	assert_near((double)c->peak_blocks, 24000);
	assert_near((double)c->peak_bytes, 0.66e6);
	assert_near(lives_within(c, 4), 0.5);
	assert_true(lives_within(c, 64) > 0.985 && lives_within(c, 64) < 0.995);
}

static void test_quantiles(void **state)
{
	static const struct quantile q[] = {
		{.share = 0.5, .most = 100, .bend = 1},
		{.share = 0.9, .most = 300, .bend = 3},
		{.share = 1, .most = 1000, .bend = 9},
	};
	static uint32_t t[QUANTILES_ENTRIES];
	double sum = 0;

	(void)state;
	quantiles_fill(t, 10, q);
	assert_int_equal(t[0], 10);
	assert_int_equal(t[QUANTILES_ENTRIES - 1], 1000);
	for (unsigned i = 0; i < QUANTILES_ENTRIES; i++) {
		sum += t[i];
		if (i && t[i] < t[i - 1])
			fail_msg("entry %u: %u after %u", i, t[i], t[i - 1]);
	}
	assert_near((double)t[(size_t)(0.5 * QUANTILES_ENTRIES)], 100);
	assert_near((double)t[(size_t)(0.9 * QUANTILES_ENTRIES)], 300);
	/* least + (most - least) / (bend + 1), by share. */
	assert_near(sum / QUANTILES_ENTRIES, 0.5 * 55 + 0.4 * 150 + 0.1 * 370);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_espresso),
		cmocka_unit_test(test_cfrac),
		cmocka_unit_test(test_quantiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
