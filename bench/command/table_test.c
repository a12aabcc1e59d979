#include "bench/command/table.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/command/bench_testing.h"

static void put(struct rows *rows, const char *workload, const char *allocator, unsigned rep,
		enum metric_id id, double value)
{
	struct bench_result r = made_up(workload, allocator, rep);

	result_add(&r, id, value);
	made_up_row(rows, &r);
}

static void put_trouble(struct rows *rows, const char *allocator, unsigned rep,
			enum bench_status status, const char *why)
{
	struct bench_result r = made_up("larson", allocator, rep);

	r.status = status;
	snprintf(r.why, sizeof(r.why), "%s", why);
	made_up_row(rows, &r);
}

static struct digest digest_of(const struct rows *rows)
{
	struct digest d;

	assert_int_equal(digest_make(rows, &d), 0);
	return d;
}

static char *printed_with(const struct rows *rows, unsigned width, const char *metric)
{
	struct digest d = digest_of(rows);
	char *text = NULL;
	size_t size;
	struct table t = {
		.out = open_memstream(&text, &size),
		.width = width,
		.metrics = &metric,
		.nmetrics = metric ? 1 : 0,
	};

	table_print(&t, &d);
	fclose(t.out);
	digest_release(&d);
	return text;
}

static void expect(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

static void expect_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' is in:\n%s", part, text);
}

static void values_have_units(void **state)
{
	static const struct {
		double value;
		const char *unit, *text;
	} want[] = {
		{0, "bytes", "0 B"},
		{1023, "bytes", "1023 B"},
		{1024, "bytes", "1 KiB"},
		{1536, "bytes", "1.5 KiB"},
		{283.0 * 1048576, "bytes", "283 MiB"},
		{-4096, "bytes", "-4 KiB"},
		{65530, "maps", "65530"},
		{0, "maps", "0"},
		{1234567, "calls", "1.2 M"},
		{2.5, "maps", "2.5"},
		{12.34, "ns", "12 ns"},
		{1.26, "ns", "1.3 ns"},
		{12345, "ns", "12 us"},
		{1.5, "s", "1.5 s"},
		{0.0125, "s", "12 ms"},
		{0.9999, "s", "1.0 s"},
		{1.0449, "ratio", "1.04"},
		{2.5e6, "1/s", "2.5 M/s"},
		{3.0 * 1048576, "byte s", "3 MiB s"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		assert_string_equal(table_value(want[i].value, want[i].unit).s, want[i].text);
}

static void built_in_allocators_come_first(void **state)
{
	struct rows rows = {0};

	(void)state;
	put(&rows, "larson", "loop", 1, METRIC_NS_PER_OP, 1);
	put(&rows, "larson", "a-file", 1, METRIC_NS_PER_OP, 1);
	put(&rows, "larson", "scudo", 1, METRIC_NS_PER_OP, 1);
	put(&rows, "larson", "glibc", 1, METRIC_NS_PER_OP, 1);
	struct digest d = digest_of(&rows);

	assert_int_equal(d.nallocators, 4);
	assert_int_equal(d.loop, 3);
	assert_string_equal(d.allocators[0], "glibc");
	assert_string_equal(d.allocators[1], "scudo");
	assert_string_equal(d.allocators[2], "a-file");
	assert_string_equal(d.allocators[3], "loop");
	digest_release(&d);
	rows_release(&rows);
}

static void what_is_not_timed_is_believed_first(void **state)
{
	struct bench_result r = made_up("larson", "glibc", 1);
	struct rows rows = {0};

	(void)state;
	result_add(&r, METRIC_PEAK_MAPS, 10);
	made_up_row(&rows, &r);
	r = made_up("larson", "glibc", 1);
	snprintf(r.key.build, sizeof(r.key.build), "sampled");
	result_add(&r, METRIC_PEAK_MAPS, 99);
	result_add(&r, METRIC_KERNEL_CALLS, 7);
	made_up_row(&rows, &r);
	struct digest d = digest_of(&rows);

	assert_int_equal(d.ngroups, 1);
	assert_true(digest_cell(&d, 0, 0, digest_metric_by_name(&d, "peak_maps"))->median == 10);
	assert_true(digest_cell(&d, 0, 0, digest_metric_by_name(&d, "kernel_calls"))->median == 7);
	digest_release(&d);
	rows_release(&rows);
}

static void the_middle_and_the_best_are_shown(void **state)
{
	struct rows rows = {0};

	(void)state;
	for (unsigned rep = 1; rep <= 3; rep++) {
		put(&rows, "larson", "glibc", rep, METRIC_PEAK_MAPS, 100 + rep);
		put(&rows, "larson", "jemalloc", rep, METRIC_PEAK_MAPS, 40 * rep);
	}
	char *text = printed_with(&rows, 100, NULL);

	expect(text, "\nlarson\n");
	expect(text, "peak maps\n");
	expect(text, "102 ±1%\n");
	/* 40, 80, 120: far apart, and still the best. */
	expect(text, "80 ±50%~*\n");
	free(text);
	rows_release(&rows);
}

/* What cannot be told apart is best together; where more is better the highest is. */
static void ties_and_directions(void **state)
{
	struct rows rows = {0};

	(void)state;
	put(&rows, "larson", "glibc", 1, METRIC_OPS_PER_S, 1000);
	put(&rows, "larson", "jemalloc", 1, METRIC_OPS_PER_S, 990);
	put(&rows, "larson", "scudo", 1, METRIC_OPS_PER_S, 500);
	char *text = printed_with(&rows, 100, NULL);

	expect(text, "1 k/s *");
	expect(text, "990/s *");
	expect_not(text, "500/s *");
	expect(text, "glibc 1.00  jemalloc 0.99  scudo 0.50");
	free(text);
	rows_release(&rows);
}

static void runs_that_failed_are_named(void **state)
{
	struct rows rows = {0};

	(void)state;
	put(&rows, "larson", "glibc", 1, METRIC_PEAK_MAPS, 100);
	put_trouble(&rows, "scudo", 1, STATUS_CRASH, "SIGABRT in free");
	put_trouble(&rows, "scudo", 2, STATUS_CRASH, "SIGABRT in malloc");
	put_trouble(&rows, "scudo", 3, STATUS_TIMEOUT, "");
	char *text = printed_with(&rows, 100, NULL);

	expect(text, "scudo: crash in 2 of 3: SIGABRT in free\n");
	expect(text, "scudo: timeout in 1 of 3\n");
	expect_not(text, "scudo  ");
	free(text);
	rows_release(&rows);
}

static void the_loop_is_a_line_and_no_allocator(void **state)
{
	struct rows rows = {0};

	(void)state;
	put(&rows, "larson", "glibc", 1, METRIC_NS_PER_OP, 20);
	put(&rows, "larson", "jemalloc", 1, METRIC_NS_PER_OP, 10);
	put(&rows, "larson", "loop", 1, METRIC_NS_PER_OP, 1.25);
	char *text = printed_with(&rows, 100, "ns_per_op");

	expect(text, "loop: 1.25 ns");
	expect(text, "jemalloc 0.50  glibc 1.00\n");
	expect_not(text, "loop 0");
	free(text);
	rows_release(&rows);
}

static unsigned longest_line(const char *text)
{
	unsigned most = 0, n = 0;

	for (; *text; text++) {
		n = *text == '\n' ? 0 : n + (((unsigned char)*text & 0xc0) != 0x80);
		most = n > most ? n : most;
	}
	return most;
}

/* Every metric there is, so that columns have to go into bands. */
static void lines_fit(void **state)
{
	struct rows rows = {0};

	(void)state;
	for (unsigned rep = 1; rep <= 3; rep++) {
		for (unsigned a = 0; a < 3; a++) {
			static const char *const names[] = {"glibc", "jemalloc", "tcmalloc"};
			struct bench_result r = made_up("larson", names[a], rep);

			for (unsigned id = 0; id < METRICS; id++)
				result_add(&r, id, 123456789.0 * (rep + a));
			made_up_row(&rows, &r);
		}
	}
	for (unsigned width = 60; width <= 200; width += 20) {
		char *text = printed_with(&rows, width, "*");
		unsigned most = longest_line(text);

		if (most > (width < 100 ? 100 : width))
			fail_msg("%u columns where %u are there:\n%s", most, width, text);
		expect(text, "peak maps");
		expect(text, "net ns per op");
		expect_not(text, " \n");
		free(text);
	}
	rows_release(&rows);
}

static void ratios_are_geometric_means(void **state)
{
	struct rows rows = {0};

	(void)state;
	put(&rows, "a", "glibc", 1, METRIC_PEAK_RSS, 100);
	put(&rows, "a", "jemalloc", 1, METRIC_PEAK_RSS, 200);
	put(&rows, "b", "glibc", 1, METRIC_PEAK_RSS, 100);
	put(&rows, "b", "jemalloc", 1, METRIC_PEAK_RSS, 800);
	put(&rows, "c", "glibc", 1, METRIC_PEAK_RSS, 0);
	put(&rows, "c", "jemalloc", 1, METRIC_PEAK_RSS, 5);
	put(&rows, "d", "glibc", 1, METRIC_KERNEL_CALLS, 0);
	put(&rows, "d", "jemalloc", 1, METRIC_KERNEL_CALLS, 9);
	struct digest d = digest_of(&rows);
	struct digest_ratio rss =
		digest_ratio(&d, digest_metric_by_name(&d, "peak_rss_bytes"), 1, 0);
	struct digest_ratio calls =
		digest_ratio(&d, digest_metric_by_name(&d, "kernel_calls"), 1, 0);

	assert_true(fabs(rss.ratio - 4) < 1e-9);
	assert_int_equal(rss.n, 2);
	assert_true(fabs(calls.ratio - 10) < 1e-9);
	assert_int_equal(calls.n, 1);
	digest_release(&d);
	rows_release(&rows);
}

static void nothing_is_nothing(void **state)
{
	struct rows rows = {0};
	char *text = printed_with(&rows, 100, NULL);

	(void)state;
	assert_string_equal(text, "");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_have_units),
		cmocka_unit_test(built_in_allocators_come_first),
		cmocka_unit_test(what_is_not_timed_is_believed_first),
		cmocka_unit_test(the_middle_and_the_best_are_shown),
		cmocka_unit_test(ties_and_directions),
		cmocka_unit_test(runs_that_failed_are_named),
		cmocka_unit_test(the_loop_is_a_line_and_no_allocator),
		cmocka_unit_test(lines_fit),
		cmocka_unit_test(ratios_are_geometric_means),
		cmocka_unit_test(nothing_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
