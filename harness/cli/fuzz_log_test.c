#include "harness/cli/fuzz_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/cli/fuzz_files.h"

static void feed(struct fuzz_log *l, const char *text)
{
	assert_int_equal(log_feed(l, text, strlen(text)), 0);
}

struct folder {
	char path[64];
	struct fuzz_log log;
};

static void make(struct folder *f)
{
	strncat(f->path, "/tmp/fuzz-log.XXXXXX", sizeof(f->path) - 1);
	assert_non_null(mkdtemp(f->path));
	assert_int_equal(log_open(&f->log, files_join(f->path, "log").s), 0);
}

static void clean(struct folder *f)
{
	log_close(&f->log);
	assert_int_equal(files_remove(f->path), 0);
}

static void test_understands_status_lines(void **state)
{
	struct folder f = {0};

	(void)state;
	make(&f);
	feed(&f.log, "INFO: seed 1\n#2\tINITED cov: 3 ft: 14 corp: 1/1b");
	assert_int_equal(f.log.features, 0);
	feed(&f.log, " exec/s: 0\n#64\tpulse  cov: 15 ft: 92 corp: 65/3Kb lim: 4\n\n  \n");
	assert_int_equal(f.log.coverage, 15);
	assert_int_equal(f.log.features, 92);
	assert_int_equal(f.log.corpus, 65);
	assert_string_equal(f.log.last, "#64\tpulse  cov: 15 ft: 92 corp: 65/3Kb lim: 4");
	/* What others say is not libFuzzer's, and what is not a number changes nothing. */
	feed(&f.log, "note ft: 7 corp: 8/1b\n#65\tNEW ft: none corp: /\n");
	assert_int_equal(f.log.features, 92);
	assert_int_equal(f.log.corpus, 65);
	clean(&f);
}

static void test_long_lines_and_another_process(void **state)
{
	struct folder f = {0};
	char line[5000];

	(void)state;
	make(&f);
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	feed(&f.log, line);
	feed(&f.log, "\nhalf a line");
	assert_int_equal(strlen(f.log.last), sizeof(f.log.last) - 1);
	log_begin(&f.log);
	assert_string_equal(f.log.last, "");
	feed(&f.log, "woe\n");
	assert_string_equal(f.log.last, "woe");
	clean(&f);
}

static void test_is_bounded(void **state)
{
	struct folder f = {0};
	char line[1000];
	struct stat st;

	(void)state;
	make(&f);
	memset(line, 'y', sizeof(line));
	line[sizeof(line) - 2] = '\n';
	line[sizeof(line) - 1] = '\0';
	for (unsigned i = 0; i < 3 * FUZZ_LOG_BYTES / sizeof(line); i++)
		feed(&f.log, line);
	assert_int_equal(stat(files_join(f.path, "log").s, &st), 0);
	assert_in_range(st.st_size, 1, FUZZ_LOG_BYTES);
	assert_int_equal(stat(files_join(f.path, "log.1").s, &st), 0);
	assert_in_range(st.st_size, FUZZ_LOG_BYTES - sizeof(line), FUZZ_LOG_BYTES);
	assert_int_equal(files_count(f.path), 2);
	/* Another one goes on where it ended. */
	uint64_t size = f.log.size;

	log_close(&f.log);
	assert_int_equal(log_open(&f.log, files_join(f.path, "log").s), 0);
	assert_int_equal(f.log.size, size);
	clean(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_understands_status_lines),
		cmocka_unit_test(test_long_lines_and_another_process),
		cmocka_unit_test(test_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
