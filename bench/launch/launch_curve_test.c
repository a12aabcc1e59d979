#include "bench/launch/launch_curve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* n samples in time; every 100th reading of maps, every 1000th exact. */
static struct curve curve_of(size_t n)
{
	struct curve c = {0};

	for (size_t i = 0; i < n; i++) {
		struct curve_sample s = {
			.ns = i,
			.is_exact = i % 1000 == 0,
			.at = {.rss = 100 + (int64_t)(i * 7 % 50),
			       .mapped = 1000 + (int64_t)(i * 11 % 50),
			       .maps = i % 100 ? -1 : (int64_t)(i % 30)},
		};

		assert_int_equal(curve_add(&c, &s), 0);
	}
	return c;
}

static void few_samples_stay_as_they_are(void **state)
{
	struct curve c = curve_of(4096);

	(void)state;
	curve_thin(&c, 4096);
	assert_int_equal(c.n, 4096);
	assert_false(c.is_thinned);
	curve_release(&c);
	curve_thin(&c, 4096);
	assert_int_equal(c.n, 0);
}

static void peaks_of_each_figure_stay(void **state)
{
	struct curve c = curve_of(100000);
	bool rss = false, low = false, mapped = false, maps = false;
	size_t exact = 0;

	(void)state;
	c.v[31234].at.rss = 5000;
	c.v[31235].at.rss = 4;
	c.v[71234].at.mapped = 5000;
	c.v[51200].at.maps = 5000;
	curve_thin(&c, 4096);
	assert_true(c.is_thinned);
	assert_in_range(c.n, 1000, 4096);
	for (size_t i = 0; i < c.n; i++) {
		assert_true(!i || c.v[i].ns > c.v[i - 1].ns);
		exact += c.v[i].is_exact;
		rss |= c.v[i].at.rss == 5000;
		low |= c.v[i].at.rss == 4;
		mapped |= c.v[i].at.mapped == 5000;
		maps |= c.v[i].at.maps == 5000;
	}
	assert_int_equal(exact, 100);
	assert_true(rss && low && mapped && maps);
	curve_release(&c);
}

static void exact_ones_stay_even_where_they_are_too_many(void **state)
{
	struct curve c = curve_of(10000);

	(void)state;
	curve_thin(&c, 5);
	assert_int_equal(c.n, 10);
	curve_release(&c);
}

static void a_run_of_hours_does_not_grow_without_end(void **state)
{
	struct curve c = curve_of(1000000);

	(void)state;
	assert_true(c.room <= 1u << 18);
	assert_true(c.is_thinned);
	assert_int_equal(c.v[0].ns, 0);
	assert_int_equal(c.v[c.n - 1].ns, 999999);
	curve_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_samples_stay_as_they_are),
		cmocka_unit_test(peaks_of_each_figure_stay),
		cmocka_unit_test(exact_ones_stay_even_where_they_are_too_many),
		cmocka_unit_test(a_run_of_hours_does_not_grow_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
