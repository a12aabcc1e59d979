#include "bench/result.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct curve_point points[] = {
	{.s = 0, .rss = 0, .mapped = 4096, .maps = 1, .live = 0},
	{.s = 0.005, .rss = 8192, .mapped = 12288, .maps = -1, .live = -1, .phase = 1},
};

static struct bench_result a_result(void)
{
	struct bench_result r = {
		.key = {.workload = "larson",
			.allocator = "jemalloc",
			.build = "timed",
			.threads = 4,
			.rep = 3,
			.block = 1,
			.seed = UINT64_MAX - 1,
			.scale_percent = 100},
		.before = {-1, -1, -1, -1, -1},
		.after = {0.5, -1, 350000, 0.25, 3},
		.wall_s = 1.5,
		.npoints = 2,
		.points = points,
		.nphases = 1,
	};

	r.phases[0] = (struct result_phase){.name = "churn", .timed = true, .rss = -1, .ops = 5};
	result_add(&r, METRIC_PEAK_MAPS, 12);
	result_add(&r, METRIC_OPS_PER_S, 1234567.25);
	result_add_named(&r, METRIC_LATENCY, "malloc_kernel_p99_ns", 812);
	return r;
}

static char *line_of(const struct bench_result *r)
{
	json_t *o = result_json(r);
	char *text = json_dumps(o, JSON_COMPACT);

	json_decref(o);
	assert_non_null(text);
	return text;
}

static struct result_line read_back(const char *text)
{
	struct result_line l;
	char err[200] = "";

	if (result_json_read(text, strlen(text), &l, err, sizeof(err)) != 0)
		fail_msg("%s", err);
	return l;
}

static void a_line_is_read_as_it_was_written(void **state)
{
	struct bench_result r = a_result();
	char *text = line_of(&r);
	struct result_line l = read_back(text);

	(void)state;
	assert_memory_equal(&l.key, &r.key, sizeof(r.key));
	assert_int_equal(l.status, STATUS_OK);
	assert_string_equal(l.why, "");
	assert_int_equal(l.nmetrics, 3);
	const struct result_value *v = result_line_metric(&l, "ops_per_s");

	assert_non_null(v);
	assert_int_equal(v->id, METRIC_OPS_PER_S);
	assert_true(v->more_is_better);
	assert_string_equal(v->unit, "1/s");
	assert_true(v->value == 1234567.25);
	v = result_line_metric(&l, "malloc_kernel_p99_ns");
	assert_non_null(v);
	assert_int_equal(v->id, METRIC_LATENCY);
	assert_false(v->more_is_better);
	assert_null(result_line_metric(&l, "wall_s"));
	free(text);
}

static void what_was_not_taken_is_null(void **state)
{
	struct bench_result r = a_result();
	char *text = line_of(&r);

	(void)state;
	assert_non_null(strstr(text, "\"maps\":[1,null]"));
	assert_non_null(strstr(text, "\"live\":[0,null]"));
	assert_non_null(strstr(text, "\"rss\":[0,8192]"));
	assert_non_null(strstr(text, "\"rss_bytes\":null"));
	assert_non_null(strstr(text, "\"before\":{\"load1\":null"));
	free(text);
}

/* JSON has neither, and a file with one line that is none is read by nobody. */
static void what_is_not_finite_is_never_written(void **state)
{
	struct bench_result r = a_result();

	(void)state;
	result_add(&r, METRIC_NS_PER_OP, NAN);
	result_add(&r, METRIC_T50, INFINITY);
	assert_int_equal(r.nmetrics, 3);
	r.metrics[0].value = NAN;
	r.wall_s = INFINITY;
	r.before.load1 = NAN;
	r.phases[0].begin_s = NAN;
	points[0].s = NAN;
	char *text = line_of(&r);

	points[0].s = 0;
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "inf"));
	json_t *o = json_loads(text, 0, NULL);

	assert_non_null(o);
	assert_true(json_is_null(json_object_get(o, "wall_s")));
	json_decref(o);
	free(text);
}

static void foreign_bytes_stay_json(void **state)
{
	struct bench_result r = a_result();

	(void)state;
	r.status = STATUS_CRASH;
	snprintf(r.why, sizeof(r.why), "said \xff\xfe");
	snprintf(r.key.allocator, sizeof(r.key.allocator), "a\xc3\"b");
	char *text = line_of(&r);
	struct result_line l = read_back(text);

	assert_int_equal(l.status, STATUS_CRASH);
	assert_string_equal(l.why, "said \\xff\\xfe");
	free(text);
}

static void a_metric_counts_once_and_no_more_than_fit(void **state)
{
	struct bench_result r = {0};
	char name[48];

	(void)state;
	result_add(&r, METRIC_WALL, 1);
	result_add(&r, METRIC_WALL, 2);
	assert_int_equal(r.nmetrics, 1);
	assert_true(result_metric(&r, "wall_s")->value == 1);
	for (unsigned i = 0; i < 2 * RESULT_METRICS_MAX; i++) {
		snprintf(name, sizeof(name), "malloc_%u_ns", i);
		result_add_named(&r, METRIC_LATENCY, name, i);
	}
	assert_int_equal(r.nmetrics, RESULT_METRICS_MAX);
	assert_null(result_metric(&r, "malloc_100_ns"));
}

/* Replaces the first `from` of the line by `to` and says what reading it complains of. */
static const char *complaint(const char *from, const char *to, int expected)
{
	static char err[200];
	struct bench_result r = a_result();
	char *text = line_of(&r), *wrong, *at = strstr(text, from);
	struct result_line l = {.nmetrics = 77};

	assert_non_null(at);
	int len = asprintf(&wrong, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));

	assert_true(len > 0);
	err[0] = '\0';
	assert_int_equal(result_json_read(wrong, (size_t)len, &l, err, sizeof(err)), expected);
	assert_int_equal(l.nmetrics, 77);
	free(wrong);
	free(text);
	return err;
}

static void what_is_wrong_with_a_line_is_said(void **state)
{
	(void)state;
	assert_non_null(strstr(complaint("{", "", -EBADMSG), "not JSON"));
	assert_string_equal(complaint("bench/1", "bench/2", -EPROTO),
			    "of schema \"allocrig.bench/2\", not allocrig.bench/1");
	assert_string_equal(complaint("\"status\":\"ok\",", "", -EBADMSG), "no member \"status\"");
	assert_string_equal(complaint("\"ok\"", "\"fine\"", -EBADMSG),
			    "\"status\" is \"fine\", which is none");
	assert_string_equal(complaint("\"rep\":3", "\"rep\":\"3\"", -EBADMSG),
			    "\"rep\" is not a whole number");
	assert_string_equal(complaint("\"rep\":3", "\"rep\":-3", -EBADMSG),
			    "\"rep\" is out of range");
	assert_string_equal(complaint("\"value\":12,", "", -EBADMSG),
			    "metric \"peak_maps\" has no number as its \"value\"");
	assert_string_equal(complaint("\"less\"", "\"fewer\"", -EBADMSG),
			    "metric \"peak_maps\": \"better\" is neither more nor less");
	assert_non_null(strstr(complaint("\"seed\"", "\"rep\":1,\"seed\"", -EBADMSG), "duplicate"));
}

/* Lines of a later version, and metrics of sorts that came later, are still read. */
static void what_is_not_known_is_passed_over(void **state)
{
	const char *text =
		"{\"schema\":\"allocrig.bench/"
		"1\",\"workload\":\"w\",\"build\":\"new\",\"threads\":1,"
		"\"rep\":0,\"block\":0,\"seed\":1,\"scale_percent\":100,\"time_ns\":0,\"later\":[1]"
		","
		"\"allocator\":{\"name\":\"a\",\"sha256\":\"beef\"},\"status\":\"ok\",\"metrics\":"
		"{\"warmth\":{\"value\":1.5,\"unit\":\"K\",\"better\":\"more\",\"floor\":2}}}";
	struct result_line l = read_back(text);

	(void)state;
	assert_string_equal(l.allocator.sha256, "beef");
	assert_string_equal(l.key.after, "");
	assert_int_equal(l.metrics[0].id, METRICS);
	assert_string_equal(l.metrics[0].unit, "K");
}

static void no_piece_of_a_line_is_taken_for_one(void **state)
{
	struct bench_result r = a_result();
	char *text = line_of(&r), err[64];
	struct result_line l;

	(void)state;
	for (size_t len = 0; len < strlen(text); len += 7)
		assert_int_equal(result_json_read(text, len, &l, err, sizeof(err)), -EBADMSG);
	assert_int_equal(result_json_read("[]", 2, &l, err, sizeof(err)), -EBADMSG);
	assert_string_equal(err, "not a JSON object");
	free(text);
}

static void ids_tell_runs_apart(void **state)
{
	struct bench_result r = a_result();
	char id[512];

	(void)state;
	r.key.seed = 1;
	result_id(&r.key, id, sizeof(id));
	assert_string_equal(id, "larson/jemalloc/timed/t4/s1/x100/rep3");
	snprintf(r.key.after, sizeof(r.key.after), "idle");
	r.key.time_ns = 1500000000;
	result_id(&r.key, id, sizeof(id));
	assert_string_equal(id, "larson/jemalloc/timed/idle/t4/s1/x100/1.5s/rep3");
}

static void every_kind_and_status_has_a_name_of_its_own(void **state)
{
	enum bench_status s;

	(void)state;
	for (unsigned i = 0; i < METRICS; i++) {
		assert_non_null(metric_kinds[i].name);
		assert_non_null(metric_kinds[i].unit);
		assert_non_null(metric_kinds[i].summary);
		assert_int_equal(metric_by_name(metric_kinds[i].name), i);
	}
	for (unsigned i = 0; i <= STATUS_BROKEN; i++) {
		assert_int_equal(status_by_name(status_name(i), &s), 0);
		assert_int_equal(s, i);
	}
	assert_int_equal(status_by_name("fine", &s), -1);
	assert_int_equal(metric_by_name("free_p50_ns"), METRIC_LATENCY);
	assert_int_equal(metric_by_name("free"), METRICS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_read_as_it_was_written),
		cmocka_unit_test(what_was_not_taken_is_null),
		cmocka_unit_test(what_is_not_finite_is_never_written),
		cmocka_unit_test(foreign_bytes_stay_json),
		cmocka_unit_test(a_metric_counts_once_and_no_more_than_fit),
		cmocka_unit_test(what_is_wrong_with_a_line_is_said),
		cmocka_unit_test(what_is_not_known_is_passed_over),
		cmocka_unit_test(no_piece_of_a_line_is_taken_for_one),
		cmocka_unit_test(ids_tell_runs_apart),
		cmocka_unit_test(every_kind_and_status_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
