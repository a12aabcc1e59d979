#include "bench/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void small_values_are_exact(void **state)
{
	struct histogram h = {0};

	(void)state;
	for (uint64_t v = 0; v < HISTOGRAM_OCTAVE; v++)
		histogram_add(&h, v);
	assert_int_equal(h.count, HISTOGRAM_OCTAVE);
	assert_int_equal(histogram_quantile(&h, 0.5), HISTOGRAM_OCTAVE / 2 - 1);
	assert_int_equal(histogram_quantile(&h, 1), HISTOGRAM_OCTAVE - 1);
	assert_int_equal(histogram_quantile(&h, 0), 0);
}

static void an_empty_one_says_nothing(void **state)
{
	struct histogram h = {0};

	(void)state;
	assert_int_equal(histogram_quantile(&h, 0.5), 0);
}

/* One value alone is its own quantile, to 1 in 32: the bucket may end above it, never below. */
static void every_value_is_known_to_3_percent(void **state)
{
	struct histogram *h = calloc(1, sizeof(*h));

	(void)state;
	assert_non_null(h);
	for (uint64_t v = 1; v < UINT64_C(1) << 40; v += 1 + v / 7) {
		memset(h, 0, sizeof(*h));
		histogram_add(h, v);
		histogram_add(h, UINT64_C(1) << 45);
		uint64_t q = histogram_quantile(h, 0.5);

		assert_in_range(q, v, v + v / HISTOGRAM_OCTAVE);
	}
	free(h);
}

static void buckets_follow_each_other(void **state)
{
	(void)state;
	for (uint64_t v = 1; v < 100000; v++) {
		unsigned a = histogram_bucket(v - 1), b = histogram_bucket(v);

		assert_true(b == a || b == a + 1);
	}
	assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

static void quantiles_never_exceed_the_greatest(void **state)
{
	struct histogram h = {0};

	(void)state;
	histogram_add(&h, 1000);
	histogram_add(&h, UINT64_C(1) << 50);
	assert_int_equal(histogram_quantile(&h, 0.5), 1007);
	assert_int_equal(histogram_quantile(&h, 0.999), UINT64_C(1) << 50);
	h = (struct histogram){0};
	histogram_add(&h, 1000);
	assert_int_equal(histogram_quantile(&h, 0.5), 1000);
}

static void ranks_are_rounded_up(void **state)
{
	struct histogram h = {0};

	(void)state;
	for (uint64_t v = 1; v <= 10; v++)
		histogram_add(&h, v);
	assert_int_equal(histogram_quantile(&h, 0.9), 9);
	assert_int_equal(histogram_quantile(&h, 0.91), 10);
	assert_int_equal(histogram_quantile(&h, 0.01), 1);
}

static void merged_is_as_if_counted_together(void **state)
{
	struct histogram a = {0}, b = {0}, both = {0};

	(void)state;
	for (uint64_t v = 0; v < 5000; v += 3) {
		histogram_add(&a, v);
		histogram_add(&both, v);
		histogram_add(&b, v * 1000);
		histogram_add(&both, v * 1000);
	}
	histogram_merge(&a, &b);
	assert_memory_equal(&a, &both, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_values_are_exact),
		cmocka_unit_test(an_empty_one_says_nothing),
		cmocka_unit_test(every_value_is_known_to_3_percent),
		cmocka_unit_test(buckets_follow_each_other),
		cmocka_unit_test(quantiles_never_exceed_the_greatest),
		cmocka_unit_test(ranks_are_rounded_up),
		cmocka_unit_test(merged_is_as_if_counted_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
