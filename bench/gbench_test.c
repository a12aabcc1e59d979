#include "bench/gbench.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char out_path[] = "/tmp/gbench-test-XXXXXX", text[1 << 16];

/* Iterations, as the function counted them, in the last call. */
static void plain(struct gbench_state *s, void *ctx)
{
	uint64_t n, done = 0, batches = 0;

	while ((n = gbench_batch(s, UINT64_MAX)) > 0) {
		for (uint64_t i = 0; i < n; i++)
			GBENCH_KEEP(ctx);
		done += n;
		batches++;
	}
	gbench_count(s, "done", (double)done, GBENCH_PLAIN);
	gbench_count(s, "total", (double)gbench_total(s), GBENCH_PLAIN);
	gbench_count(s, "batches", (double)batches, GBENCH_PLAIN);
	gbench_count(s, "context", ctx == out_path, GBENCH_PLAIN);
}

/* In parts of 7; only the last may be smaller. */
static void parts(struct gbench_state *s, void *ctx)
{
	uint64_t n, done = 0, batches = 0;

	(void)ctx;
	while ((n = gbench_batch(s, 7)) > 0) {
		done += n;
		batches++;
	}
	gbench_count(s, "done", (double)done, GBENCH_PLAIN);
	gbench_count(s, "batches", (double)batches, GBENCH_PLAIN);
}

static void arguments(struct gbench_state *s, void *ctx)
{
	unsigned *n = ctx;

	while (gbench_batch(s, UINT64_MAX) > 0)
		;
	for (unsigned i = 0; i < *n; i++) {
		char name[16];

		snprintf(name, sizeof(name), "a%u", i);
		gbench_count(s, name, (double)gbench_value(s, i), GBENCH_PLAIN);
	}
}

static void counters(struct gbench_state *s, void *ctx)
{
	uint64_t n;

	(void)ctx;
	while ((n = gbench_batch(s, UINT64_MAX)) > 0)
		gbench_set_time(s, 2);
	gbench_count(s, "plain", 6, GBENCH_PLAIN);
	gbench_count(s, "rate", 6, GBENCH_RATE);
	gbench_count(s, "threads", 6, GBENCH_THREAD_AVERAGE);
	gbench_count(s, "average", 6, GBENCH_AVERAGE);
	gbench_count(s, "each", 6, GBENCH_PER_ITERATION);
	gbench_count(s, "invert", 6, GBENCH_INVERT | GBENCH_1024);
	gbench_items(s, 100);
	gbench_bytes(s, 4096);
	gbench_label(s, "words");
}

static void paused(struct gbench_state *s, void *ctx)
{
	uint64_t sink = 0;
	uint64_t n;

	while ((n = gbench_batch(s, 1)) > 0) {
		if (ctx)
			gbench_pause(s);
		for (unsigned i = 0; i < 20000000; i++)
			GBENCH_KEEP(sink += i);
		if (ctx)
			gbench_resume(s);
	}
}

static void skips(struct gbench_state *s, void *ctx)
{
	uint64_t n;

	if (!ctx)
		gbench_skip(s, "not here");
	while ((n = gbench_batch(s, 5)) > 0)
		gbench_skip(s, "half way");
	gbench_row(s, "never", 1, "maps");
	gbench_count(s, "skipped", gbench_skipped(s), GBENCH_PLAIN);
}

/* 1, 2, 3 maps in three repetitions; and what no double divided by 10^9 could give back. */
static void rows(struct gbench_state *s, void *ctx)
{
	static unsigned run;

	(void)ctx;
	while (gbench_batch(s, UINT64_MAX) > 0)
		;
	if (gbench_thread(s) != 0)
		return;
	run++;
	gbench_row(s, "peak_maps", run % 3 + 1, "maps");
	gbench_row(s, "peak_rss_bytes", 4097000001, "bytes");
	gbench_row(s, "kept_bytes", 0, "bytes");
}

static void threads(struct gbench_state *s, void *ctx)
{
	(void)ctx;
	while (gbench_batch(s, UINT64_MAX) > 0)
		;
	gbench_count(s, "sum", gbench_thread(s), GBENCH_PLAIN);
	gbench_count(s, "n", gbench_thread_count(s), GBENCH_THREAD_AVERAGE);
}

static void register_arguments(void)
{
	static unsigned one = 1, two = 2;
	static const int64_t pair[] = {3, 5}, sizes[] = {8, 16}, kinds[] = {0, 1, 2};
	const struct gbench_list lists[] = {{sizes, 2}, {kinds, 3}};
	const struct gbench_span spans[] = {{1, 4}, {10, 20}};
	const char *names[] = {"size", ""};

	gbench_arg(gbench_register("arg", arguments, &one), -3);
	gbench_args(gbench_register("args", arguments, &two), pair, 2);
	gbench_dense_range(gbench_register("dense", arguments, &one), (struct gbench_span){2, 8},
			   3);
	struct gbench *b = gbench_register("range", arguments, &one);

	gbench_range_multiplier(b, 4);
	gbench_range(b, (struct gbench_span){2, 64});
	b = gbench_register("product", arguments, &two);
	gbench_product(b, lists, 2);
	gbench_arg_names(b, names, 2);
	b = gbench_register("ranges", arguments, &two);
	gbench_range_multiplier(b, 4);
	gbench_ranges(b, spans, 2);
}

static void register_all(void)
{
	register_arguments();
	gbench_min_time(gbench_register("plain", plain, out_path), 0.002);
	gbench_min_warmup_time(gbench_register("warm", plain, NULL), 0.002);
	gbench_iterations(gbench_register("parts", parts, NULL), 15);
	struct gbench *b = gbench_register("counters", counters, NULL);

	gbench_iterations(b, 3);
	gbench_manual_time(b);
	gbench_unit(b, GBENCH_MS);
	gbench_iterations(gbench_register("awake", paused, NULL), 1);
	gbench_iterations(gbench_register("paused", paused, out_path), 1);
	gbench_register("skips/before", skips, NULL);
	gbench_register("skips/inside", skips, out_path);
	gbench_iterations(gbench_register("rows", rows, NULL), 1);
	b = gbench_register("row_threads", rows, NULL);
	gbench_iterations(b, 1);
	gbench_threads(b, 2);
	gbench_thread_range(gbench_register("threads", threads, NULL), 1, 4);
	b = gbench_register("dense_threads", threads, NULL);
	gbench_dense_thread_range(b, 1, 5, 2);
	gbench_real_time(b);
	b = gbench_register("repeated", plain, NULL);
	gbench_repetitions(b, 2);
	gbench_aggregates_only(b);
	gbench_process_cpu_time(b);
	gbench_thread_per_cpu(gbench_register("per_cpu", threads, NULL));
}

/* In a process of its own: flags are for good. Returns its exit code; the outputs are in files. */
static int run(const char *const args[4])
{
	char out[64];
	int status;

	snprintf(out, sizeof(out), "%s.out", out_path);
	fflush(NULL);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		char *argv[8] = {(char *)"gbench_test", (char *)"--benchmark_min_time=0.001"};
		int argc = 2;

		for (unsigned i = 0; i < 4 && args[i]; i++)
			argv[argc++] = (char *)args[i];
		if (!freopen(out, "w", stdout) || !freopen("/dev/null", "w", stderr))
			_exit(99);
		register_all();
		gbench_context("served_by", "some/file");
		exit(gbench_main(argc, argv));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static const char *output(void)
{
	char out[64];
	int len = snprintf(out, sizeof(out), "%s.out", out_path);

	assert_true(len < (int)sizeof(out));
	int fd = open(out, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	assert_true(n >= 0);
	close(fd);
	text[n] = '\0';
	return text;
}

static json_t *parsed(const char *of)
{
	json_error_t error;
	json_t *root = json_loads(of, 0, &error);

	if (!root)
		fail_msg("line %d: %s in %s", error.line, error.text, of);
	return root;
}

/* The output of a run with this filter, and with other flags or NULL. */
static json_t *json_of(const char *filter, const char *flag, const char *other)
{
	char arg[80];

	snprintf(arg, sizeof(arg), "--benchmark_filter=%s", filter);
	assert_int_equal(run((const char *const[4]){"--benchmark_format=json", arg, flag, other}),
			 0);
	return parsed(output());
}

static const json_t *find(const json_t *root, const char *name)
{
	const json_t *each;
	size_t i;

	json_array_foreach(json_object_get(root, "benchmarks"), i, each)
	{
		if (strcmp(json_string_value(json_object_get(each, "name")), name) == 0)
			return each;
	}
	fail_msg("no %s in %s", name, text);
	return NULL;
}

static double number(const json_t *root, const char *name, const char *key)
{
	const json_t *value = json_object_get(find(root, name), key);

	if (!json_is_number(value))
		fail_msg("no %s of %s in %s", key, name, text);
	return json_number_value(value);
}

static void assert_number(const json_t *root, const char *name, const char *key, double want)
{
	double got = number(root, name, key);

	if (got != want)
		fail_msg("%s of %s is %.17g, not %.17g", key, name, got, want);
}

static void assert_near(const json_t *root, const char *name, const char *key, double want)
{
	double got = number(root, name, key);

	if (got < want * (1 - 1e-9) || got > want * (1 + 1e-9))
		fail_msg("%s of %s is %.17g, not %.17g", key, name, got, want);
}

static size_t count(const json_t *root)
{
	return json_array_size(json_object_get(root, "benchmarks"));
}

static void test_loop_does_every_iteration_once(void **state)
{
	json_t *root = json_of("^(plain|warm)", NULL, NULL);

	(void)state;
	const char *name = "plain/min_time:0.002";

	assert_true(number(root, name, "iterations") > 0);
	assert_number(root, name, "done", number(root, name, "iterations"));
	assert_number(root, name, "total", number(root, name, "iterations"));
	assert_number(root, name, "batches", 1);
	assert_number(root, name, "context", 1);
	assert_true(number(root, "warm/min_warmup_time:0.002", "done") > 0);
	json_decref(root);
}

static void test_batches_end_with_what_is_left(void **state)
{
	json_t *root = json_of("^parts", NULL, NULL);

	(void)state;
	assert_number(root, "parts/iterations:15", "iterations", 15);
	assert_number(root, "parts/iterations:15", "done", 15);
	assert_number(root, "parts/iterations:15", "batches", 3);
	json_decref(root);
}

static void test_arguments(void **state)
{
	json_t *root = json_of("^(arg|args|dense|range|product|ranges)/", NULL, NULL);

	(void)state;
	assert_number(root, "arg/-3", "a0", -3);
	assert_number(root, "args/3/5", "a0", 3);
	assert_number(root, "args/3/5", "a1", 5);
	assert_number(root, "dense/8", "a0", 8);
	assert_number(root, "range/16", "a0", 16);
	assert_number(root, "product/size:16/2", "a1", 2);
	assert_number(root, "ranges/4/16", "a1", 16);
	/* 1 + 1 + {2 5 8} + {2 4 16 64} + 2 * 3 + {1 4} * {10 16 20} */
	assert_int_equal(count(root), 1 + 1 + 3 + 4 + 6 + 6);
	json_decref(root);
}

static void test_counters(void **state)
{
	json_t *root = json_of("^counters", NULL, NULL);
	const char *name = "counters/iterations:3/manual_time";

	(void)state;
	/* One batch of three iterations took 2 s. */
	assert_true(number(root, name, "real_time") > 666 && number(root, name, "real_time") < 667);
	assert_string_equal(json_string_value(json_object_get(find(root, name), "time_unit")),
			    "ms");
	assert_number(root, name, "plain", 6);
	assert_number(root, name, "rate", 3);
	assert_number(root, name, "threads", 6);
	assert_number(root, name, "average", 2);
	assert_number(root, name, "each", 18);
	assert_number(root, name, "invert", 1.0 / 6);
	assert_number(root, name, "items_per_second", 50);
	assert_number(root, name, "bytes_per_second", 2048);
	assert_string_equal(json_string_value(json_object_get(find(root, name), "label")), "words");
	json_decref(root);
}

static void test_pause_stops_the_clock(void **state)
{
	json_t *root = json_of("^(awake|paused)", NULL, NULL);

	(void)state;
	assert_true(number(root, "awake/iterations:1", "cpu_time") >
		    10 * number(root, "paused/iterations:1", "cpu_time"));
	json_decref(root);
}

static void test_skips_say_why(void **state)
{
	json_t *root = json_of("^skips", NULL, NULL);
	const json_t *before = find(root, "skips/before"), *inside = find(root, "skips/inside");

	(void)state;
	assert_int_equal(count(root), 2);
	assert_true(json_is_true(json_object_get(before, "error_occurred")));
	assert_string_equal(json_string_value(json_object_get(before, "error_message")),
			    "not here");
	assert_string_equal(json_string_value(json_object_get(inside, "error_message")),
			    "half way");
	json_decref(root);
}

static void test_threads(void **state)
{
	json_t *root = json_of("^(threads|dense_threads|per_cpu)", NULL, NULL);

	(void)state;
	assert_number(root, "threads/threads:4", "sum", 0 + 1 + 2 + 3);
	assert_number(root, "threads/threads:2", "n", 2);
	assert_number(root, "dense_threads/real_time/threads:5", "threads", 5);
	assert_int_equal(count(root), 3 + 3 + 1);
	json_decref(root);
}

static void test_rows_are_benchmarks_of_their_own(void **state)
{
	json_t *root = json_of("^rows|^row_threads", NULL, NULL);
	const json_t *maps = find(root, "rows/iterations:1/peak_maps");

	(void)state;
	assert_int_equal(count(root), 8);
	assert_number(root, "rows/iterations:1/peak_maps", "real_time", 2);
	assert_number(root, "rows/iterations:1/peak_maps", "cpu_time", 2);
	assert_string_equal(json_string_value(json_object_get(maps, "time_unit")), "ns");
	assert_string_equal(json_string_value(json_object_get(maps, "label")), "maps");
	assert_string_equal(json_string_value(json_object_get(maps, "run_name")),
			    "rows/iterations:1/peak_maps");
	assert_string_equal(json_string_value(json_object_get(maps, "run_type")), "iteration");
	assert_number(root, "rows/iterations:1/peak_rss_bytes", "real_time", 4097000001);
	assert_number(root, "rows/iterations:1/kept_bytes", "real_time", 0);
	assert_number(root, "row_threads/iterations:1/threads:2/kept_bytes", "threads", 2);
	/* And no more as counters. */
	assert_null(strstr(text, "row\\n"));
	assert_null(json_object_get(find(root, "rows/iterations:1"), "peak_maps"));
	json_decref(root);
}

static void check_aggregates(const json_t *root)
{
	assert_number(root, "rows/iterations:1/peak_maps_mean", "real_time", 2);
	assert_number(root, "rows/iterations:1/peak_maps_median", "cpu_time", 2);
	assert_near(root, "rows/iterations:1/peak_maps_stddev", "real_time", 1);
	assert_near(root, "rows/iterations:1/peak_maps_cv", "real_time", 0.5);
	assert_number(root, "rows/iterations:1/peak_rss_bytes_mean", "real_time", 4097000001);
	/* No NaN, which is no JSON. */
	assert_number(root, "rows/iterations:1/kept_bytes_cv", "real_time", 0);
}

static void test_rows_have_repetitions_and_aggregates(void **state)
{
	json_t *root = json_of("^rows", "--benchmark_repetitions=3", NULL);

	(void)state;
	assert_int_equal(count(root), 4 * (3 + 4));
	check_aggregates(root);
	assert_string_equal(
		json_string_value(json_object_get(find(root, "rows/iterations:1/peak_maps_cv"),
						  "aggregate_unit")),
		"percentage");
	json_decref(root);
	root = json_of("^rows", "--benchmark_repetitions=3",
		       "--benchmark_report_aggregates_only=true");
	assert_int_equal(count(root), 4 * 4);
	check_aggregates(root);
	json_decref(root);
	root = json_of("^repeated", NULL, NULL);
	assert_int_equal(count(root), 4);
	json_decref(root);
}

static void test_rows_reach_the_console_and_the_file(void **state)
{
	char arg[80], file[1 << 14];

	(void)state;
	snprintf(arg, sizeof(arg), "--benchmark_out=%s", out_path);
	assert_int_equal(run((const char *const[4]){"--benchmark_filter=^rows", arg,
						    "--benchmark_repetitions=3"}),
			 0);
	assert_non_null(strstr(output(), "rows/iterations:1/peak_maps"));
	assert_non_null(strstr(text, " 4097000001 bytes\n"));
	assert_non_null(strstr(text, " 50.00 %\n"));
	int fd = open(out_path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, file, sizeof(file) - 1);

	close(fd);
	assert_true(n > 0);
	file[n] = '\0';
	json_t *root = parsed(file);

	assert_int_equal(count(root), 4 * (3 + 4));
	check_aggregates(root);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(root, "context"), "served_by")),
		"some/file");
	json_decref(root);
}

static void test_other_formats_have_rows(void **state)
{
	(void)state;
	assert_int_equal(
		run((const char *const[4]){"--benchmark_filter=^rows", "--benchmark_format=csv"}),
		0);
	assert_non_null(strstr(output(), "\"rows/iterations:1/peak_maps\",1000000000,2,2,ns"));
	assert_int_equal(
		run((const char *const[4]){"--benchmark_filter=^rows", "--benchmark_list_tests"}),
		0);
	assert_string_equal(output(), "rows/iterations:1\n");
}

static void test_misuse_has_exit_codes(void **state)
{
	(void)state;
	assert_int_equal(run((const char *const[4]){"--no-such-flag"}), 3);
	assert_int_equal(run((const char *const[4]){"--benchmark_filter=^nothing$"}), 3);
	assert_int_equal(run((const char *const[4]){"--benchmark_filter=^rows",
						    "--benchmark_out=/dev/full"}),
			 2);
	assert_int_equal(run((const char *const[4]){"--benchmark_filter=^rows",
						    "--benchmark_out=/dev/null"}),
			 0);
}

static int remove_files(void **state)
{
	char out[64];

	(void)state;
	snprintf(out, sizeof(out), "%s.out", out_path);
	unlink(out);
	return unlink(out_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loop_does_every_iteration_once),
		cmocka_unit_test(test_batches_end_with_what_is_left),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_pause_stops_the_clock),
		cmocka_unit_test(test_skips_say_why),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_rows_are_benchmarks_of_their_own),
		cmocka_unit_test(test_rows_have_repetitions_and_aggregates),
		cmocka_unit_test(test_rows_reach_the_console_and_the_file),
		cmocka_unit_test(test_other_formats_have_rows),
		cmocka_unit_test(test_misuse_has_exit_codes),
	};
	int fd = mkstemp(out_path);

	if (fd < 0)
		return 2;
	close(fd);
	return cmocka_run_group_tests(tests, NULL, remove_files);
}
