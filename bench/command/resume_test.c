#include "bench/command/resume.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/command/bench_testing.h"
#include "harness/cli/cmd.h"

static char path[] = "/tmp/bench_resume.XXXXXX";

static int make_file(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s", "/tmp/bench_resume.XXXXXX");
	int fd = mkstemp(path);

	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void write_text(const char *text)
{
	FILE *out = fopen(path, "we");

	assert_non_null(out);
	fputs(text, out);
	assert_int_equal(fclose(out), 0);
}

static int try_open(struct bench_file *f, bool fresh)
{
	FILE *text;

	return bench_file_open(f, path, fresh, &text);
}

static void open_it(struct bench_file *f, bool fresh)
{
	assert_int_equal(try_open(f, fresh), 0);
}

static void add(struct bench_file *f, const char *allocator, unsigned rep)
{
	struct bench_result r = made_up("larson", allocator, rep);

	result_add(&r, METRIC_PEAK_MAPS, 10 + rep);
	assert_int_equal(bench_file_add(f, made_up_line(&r)), 0);
}

static size_t lines_in_file(void)
{
	char *text = text_of(path);
	size_t n = 0;

	for (const char *p = text; (p = strchr(p, '\n')); p++)
		n++;
	free(text);
	return n;
}

static void a_later_call_finds_what_was_done(void **state)
{
	struct bench_file f;
	struct bench_result r = made_up("larson", "glibc", 1);

	(void)state;
	open_it(&f, false);
	assert_int_equal(f.found, 0);
	add(&f, "glibc", 0);
	add(&f, "glibc", 1);
	assert_int_equal(bench_file_close(&f, 0), 0);

	open_it(&f, false);
	assert_int_equal(f.found, 2);
	assert_non_null(rows_find(&f.rows, &r.key));
	r.key.rep = 2;
	assert_null(rows_find(&f.rows, &r.key));
	add(&f, "glibc", 2);
	assert_non_null(rows_find(&f.rows, &r.key));
	assert_int_equal(bench_file_close(&f, 0), 0);
	assert_int_equal(lines_in_file(), 3);
}

/* Each member of the key by itself. */
static void other_runs_are_not_this_one(void **state)
{
	struct bench_result r = made_up("larson", "glibc", 0);
	const struct bench_key key = r.key;
	struct rows rows = {0};
	struct bench_key k;

	(void)state;
	made_up_row(&rows, &r);
	assert_non_null(rows_find(&rows, &key));
	k = key, k.block = 7;
	assert_non_null(rows_find(&rows, &k));
	k = key, k.seed = 2;
	assert_null(rows_find(&rows, &k));
	k = key, k.threads = 2;
	assert_null(rows_find(&rows, &k));
	k = key, k.time_ns = 2;
	assert_null(rows_find(&rows, &k));
	k = key, k.scale_percent = 2;
	assert_null(rows_find(&rows, &k));
	k = key, snprintf(k.after, sizeof(k.after), "idle");
	assert_null(rows_find(&rows, &k));
	k = key, snprintf(k.build, sizeof(k.build), "sampled");
	assert_null(rows_find(&rows, &k));
	k = key, snprintf(k.allocator, sizeof(k.allocator), "glib");
	assert_null(rows_find(&rows, &k));
	rows_release(&rows);
}

/* Wherever the kill came, the whole lines stay and the next one begins at a line's start. */
static void a_torn_line_is_cut(void **state)
{
	struct bench_file f;

	(void)state;
	open_it(&f, false);
	add(&f, "glibc", 0);
	add(&f, "glibc", 1);
	assert_int_equal(bench_file_close(&f, 0), 0);
	char *whole = text_of(path);
	size_t len = strlen(whole), first = (size_t)(strchr(whole, '\n') - whole) + 1;

	for (size_t n = first + 1; n < len; n += 17) {
		assert_int_equal(truncate(path, (off_t)len) == 0 && truncate(path, (off_t)n) == 0,
				 1);
		open_it(&f, false);
		assert_int_equal(f.found, 1);
		assert_int_equal(f.torn, n - first);
		add(&f, "glibc", 1);
		assert_int_equal(bench_file_close(&f, 0), 0);
		assert_int_equal(lines_in_file(), 2);
		open_it(&f, false);
		assert_int_equal(f.found, 2);
		assert_int_equal(f.torn, 0);
		assert_int_equal(bench_file_close(&f, 0), 0);
		write_text(whole);
	}
	free(whole);
}

static void files_of_others_are_left_alone(void **state)
{
	static const char *const text[] = {
		"my only copy of a poem",
		"my only copy\nof a poem\n",
		"{\"schema\":\"allocrig.run/1\"}\n",
		"{\"schema\":\"allocrig.bench/9\"}\n",
		"{}\n",
		"[]\n",
		"\n",
	};
	struct bench_file f;

	(void)state;
	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		write_text(text[i]);
		assert_int_equal(try_open(&f, false), EXIT_MISUSE);
		char *now = text_of(path);

		assert_string_equal(now, text[i]);
		free(now);
	}
	open_it(&f, true);
	assert_int_equal(bench_file_close(&f, 0), 0);
	assert_int_equal(lines_in_file(), 0);
}

static void one_writer_at_a_time(void **state)
{
	struct bench_file f, other;

	(void)state;
	open_it(&f, false);
	add(&f, "glibc", 0);
	assert_int_equal(try_open(&other, false), EXIT_MISUSE);
	/* Nor does --fresh take it from the one who writes. */
	assert_int_equal(try_open(&other, true), EXIT_MISUSE);
	assert_int_equal(lines_in_file(), 1);
	assert_int_equal(bench_file_close(&f, 0), 0);
	open_it(&other, false);
	assert_int_equal(bench_file_close(&other, 0), 0);
}

static void with_allocator(struct bench_file *f, const char *name, const char *sha256)
{
	struct bench_result r = made_up("larson", name, 0);
	struct allocator_ref *ref = made_up_ref(name, sha256);

	r.ref = ref;
	assert_int_equal(bench_file_add(f, made_up_line(&r)), 0);
	free(ref);
}

static void other_settings_are_refused(void **state)
{
	struct allocator_ref *same_file = made_up_ref("glibc", "aa");
	struct allocator_ref *rebuilt = made_up_ref("glibc", "bb");
	struct allocator_ref *another = made_up_ref("mine", "bb");
	const struct allocator_ref *refs[1] = {same_file};
	const struct bench_same right = {
		.seed = 1, .scale_percent = 100, .time_ns = 0, .refs = refs, .nrefs = 1};
	struct bench_same wrong;
	struct bench_file f;

	(void)state;
	open_it(&f, false);
	with_allocator(&f, "glibc", "aa");
	assert_int_equal(bench_file_close(&f, 0), 0);
	open_it(&f, false);
	assert_int_equal(bench_file_check(&f, &right), 0);
	wrong = right, wrong.seed = 2;
	assert_int_equal(bench_file_check(&f, &wrong), EXIT_MISUSE);
	wrong = right, wrong.scale_percent = 99;
	assert_int_equal(bench_file_check(&f, &wrong), EXIT_MISUSE);
	wrong = right, wrong.time_ns = 1;
	assert_int_equal(bench_file_check(&f, &wrong), EXIT_MISUSE);
	refs[0] = rebuilt;
	assert_int_equal(bench_file_check(&f, &right), EXIT_MISUSE);
	refs[0] = another;
	assert_int_equal(bench_file_check(&f, &right), 0);
	assert_int_equal(bench_file_close(&f, 0), 0);
	free(same_file);
	free(rebuilt);
	free(another);
}

static void reading_takes_no_lock(void **state)
{
	struct bench_file f;
	struct rows rows;

	(void)state;
	open_it(&f, false);
	add(&f, "glibc", 0);
	assert_int_equal(bench_file_read(path, &rows), 0);
	assert_int_equal(rows.n, 1);
	assert_true(result_line_metric(rows.row[0], "peak_maps")->value == 10);
	rows_release(&rows);
	assert_int_equal(bench_file_close(&f, 0), 0);
	assert_int_equal(bench_file_read("/nowhere/at/all", &rows), EXIT_MISUSE);
}

/* Without a file the rows are there all the same. */
static void no_file_is_asked_for(void **state)
{
	struct bench_file f;
	FILE *text;

	(void)state;
	assert_int_equal(bench_file_open(&f, NULL, false, &text), 0);
	add(&f, "glibc", 0);
	assert_int_equal(f.rows.n, 1);
	assert_int_equal(bench_file_close(&f, 0), 0);
}

#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, make_file, remove_file)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FILE(a_later_call_finds_what_was_done),
		WITH_FILE(a_torn_line_is_cut),
		WITH_FILE(files_of_others_are_left_alone),
		WITH_FILE(one_writer_at_a_time),
		WITH_FILE(other_settings_are_refused),
		WITH_FILE(reading_takes_no_lock),
		cmocka_unit_test(other_runs_are_not_this_one),
		cmocka_unit_test(no_file_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
