#include "harness/cli/fuzz_store.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/cli/cmd.h"

static char top[64];
static const struct store_key key = {.allocator = "glibc"};

static int setup(void **state)
{
	(void)state;
	snprintf(top, sizeof(top), "/tmp/fuzz-store.XXXXXX");
	return mkdtemp(top) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return files_remove(top);
}

static struct fuzz_store opened(void)
{
	struct fuzz_store s;

	assert_int_equal(store_open(&s, top, &key), 0);
	return s;
}

static void write_page(const struct fuzz_store *s, unsigned job, uint64_t generation,
		       const struct job_stats *page)
{
	files_folder(store_file(s, "jobs/%u", job).s);
	assert_int_equal(files_replace(store_file(s, "jobs/%u/stats.%" PRIu64, job, generation).s,
				       (const char *)page, sizeof(*page)),
			 0);
}

static struct job_stats page_of(uint64_t inputs, uint64_t maps)
{
	return (struct job_stats){.abi = JOB_STATS_ABI, .inputs = inputs, .peak_maps = maps};
}

/* Each page once: those a killed session left, in whatever order their names are, and no others. */
static void test_pages_are_counted_once(void **state)
{
	struct fuzz_store s = opened();
	struct job_stats a = page_of(100, 7), b = page_of(20, 9), foreign = page_of(1, 1);

	(void)state;
	foreign.abi = JOB_STATS_ABI + 1;
	write_page(&s, 0, 9, &a);
	write_page(&s, 0, 10, &b);
	write_page(&s, 3, 0, &a);
	write_page(&s, 3, 1, &foreign);
	store_close(&s);
	s = opened();
	assert_int_equal(s.totals.inputs, 220);
	assert_int_equal(s.totals.peak_maps, 9);
	assert_int_equal(s.counted[0], 11);
	assert_int_equal(s.counted[3], 2);
	assert_int_equal(access(store_file(&s, "jobs/0/stats.10").s, F_OK), -1);
	/* Killed between writing fuzz.json and removing the file. */
	write_page(&s, 0, 10, &b);
	write_page(&s, 0, 11, &b);
	store_count_page(&s, 0, &b);
	assert_int_equal(s.totals.inputs, 240);
	store_close(&s);
	s = opened();
	assert_int_equal(s.totals.inputs, 240);
	assert_int_equal(files_count(store_file(&s, "jobs/0").s), 0);
	store_close(&s);
}

static void test_the_worst_stays(void **state)
{
	struct fuzz_store s = opened();

	(void)state;
	s.goal = FUZZ_GOAL_LOST;
	files_folder(store_file(&s, "jobs/1").s);
	/* The number is there before the program is. */
	store_take_worst(&s, 1, 500);
	assert_int_equal(s.worst[FUZZ_GOAL_LOST], 0);
	assert_int_equal(files_replace(store_file(&s, "jobs/1/worst.prog").s, "bad\n", 4), 0);
	store_take_worst(&s, 1, 500);
	assert_int_equal(files_replace(store_file(&s, "jobs/1/worst.prog").s, "fine\n", 5), 0);
	store_take_worst(&s, 1, 400);
	store_save(&s);
	store_close(&s);
	s = opened();
	char *text;
	size_t len;

	assert_int_equal(s.worst[FUZZ_GOAL_LOST], 500);
	assert_int_equal(files_read(store_file(&s, "worst/lost.prog").s, 100, &text, &len), 0);
	assert_string_equal(text, "bad\n");
	free(text);
	store_close(&s);
}

static void test_killed_while_it_is_made(void **state)
{
	struct fuzz_store s;

	(void)state;
	/* The lock and half of a file are no reason to refuse a folder. */
	assert_int_equal(files_replace(files_join(top, "lock").s, "", 0), 0);
	assert_int_equal(files_replace(files_join(top, "fuzz.json.new").s, "{", 1), 0);
	s = opened();
	store_close(&s);
	s = opened();
	store_close(&s);
	const struct store_key other = {.allocator = "jemalloc"};

	assert_int_equal(store_open(&s, top, &other), EXIT_MISUSE);
	assert_int_equal(s.lock, -1);
}

static void test_lines_are_whole(void **state)
{
	struct files_path file = files_join(top, "lines");
	char *text;
	size_t len;

	(void)state;
	assert_int_equal(files_append(file.s, "one"), 0);
	assert_int_equal(files_append(file.s, "two"), 0);
	assert_int_equal(files_read(file.s, 100, &text, &len), 0);
	assert_string_equal(text, "one\ntwo\n");
	free(text);
	assert_int_equal(files_read(file.s, 7, &text, &len), -EFBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pages_are_counted_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_worst_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed_while_it_is_made, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lines_are_whole, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
