#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/command/stats.h"

static void the_middle_of_odd_and_even(void **state)
{
	double odd[] = {9, 1, 5}, even[] = {4, 1, 3, 2};

	(void)state;
	assert_true(spread_of(odd, 3).median == 5);
	assert_true(spread_of(even, 4).median == 2.5);
}

static void one_that_is_far_off_moves_nothing(void **state)
{
	double values[] = {100, 101, 99, 100, 100000};
	struct spread s = spread_of(values, 5);

	(void)state;
	assert_true(s.median == 100);
	assert_true(fabs(s.deviation - 0.01) < 1e-9);
	assert_true(s.least == 99 && s.most == 100000);
}

static void few_and_none(void **state)
{
	double one[] = {7}, zeros[] = {0, 0, 0}, below[] = {-4, -4, -8};

	(void)state;
	assert_true(spread_of(one, 1).deviation == 0);
	assert_true(spread_of(zeros, 3).deviation == 0);
	assert_true(spread_of(NULL, 0).n == 0);
	assert_true(spread_of(below, 3).median == -4);
}

static void what_is_quiet_has_the_lower_floor(void **state)
{
	(void)state;
	assert_true(metric_floor(METRIC_PEAK_MAPS) < metric_floor(METRIC_PEAK_RSS));
	assert_true(metric_floor(METRIC_PEAK_RSS) < metric_floor(METRIC_NS_PER_OP));
	assert_true(metric_floor(METRIC_NS_PER_OP) < metric_floor(METRIC_LATENCY));
}

static void every_metric_has_a_floor(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= METRICS; i++)
		assert_true(metric_floor(i) > 0 && metric_floor(i) < 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_middle_of_odd_and_even),
		cmocka_unit_test(one_that_is_far_off_moves_nothing),
		cmocka_unit_test(few_and_none),
		cmocka_unit_test(what_is_quiet_has_the_lower_floor),
		cmocka_unit_test(every_metric_has_a_floor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
