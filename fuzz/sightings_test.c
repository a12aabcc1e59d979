/* What is tried again, and what is passed by. */
#include "fuzz/sightings.h"
#include "harness/cli/hunt.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int begin(void **state)
{
	*state = calloc(1, sizeof(struct sightings));
	return *state ? 0 : -1;
}

static int end(void **state)
{
	free(*state);
	return 0;
}

static void tries_grow_rare(void **state)
{
	struct sightings *s = *state;
	char tried[17] = "";

	for (int i = 0; i < 16; i++)
		tried[i] = sightings_meet(s, "overlap/malloc/block") ? 'x' : '.';
	assert_string_equal(tried, "xx.x...x.......x");
	assert_true(sightings_meet(s, "overlap/free/block"));
}

static void what_is_told_is_passed_by(void **state)
{
	struct sightings *s = *state;

	assert_true(sightings_meet(s, "a/b/c"));
	assert_true(sightings_settle(s, "a/b/c"));
	assert_false(sightings_settle(s, "a/b/c"));
	assert_true(sightings_settled(s, "a/b/c"));
	assert_false(sightings_settled(s, "a/b/d"));
	assert_false(sightings_meet(s, "a/b/c"));
}

static void where_it_stands_still_is_chance(void **state)
{
	struct sightings *s = *state;

	sightings_settle(s, "hang/free/stuck/walk<free");
	assert_true(sightings_settled(s, "hang/free/stuck/free"));
	assert_false(sightings_settled(s, "hang/malloc/stuck/free"));
	assert_true(hunt_is_same("hang/free/stuck/a", "hang/free/stuck"));
	assert_false(hunt_is_same("crash/free/SIGSEGV/a", "crash/free/SIGSEGV/b"));
}

static void append(const char *path, const char *text)
{
	FILE *file = fopen(path, "a");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void the_file_is_read_when_it_changes(void **state)
{
	struct sightings *s = *state;
	char path[] = "/tmp/allocrig-skip-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(sightings_skip(s, path), 0);
	append(path, "a/b/c\n\nd/e/f");
	assert_int_equal(sightings_skip(s, path), 0);
	assert_true(sightings_settled(s, "a/b/c"));
	assert_true(sightings_settled(s, "d/e/f"));
	assert_false(sightings_settled(s, ""));
	append(path, "\ng/h/i\n");
	assert_int_equal(sightings_skip(s, path), 0);
	assert_true(sightings_settled(s, "g/h/i"));
	unlink(path);
	assert_int_equal(sightings_skip(s, path), 0);
	assert_true(sightings_settled(s, "g/h/i"));
	assert_int_equal(sightings_skip(s, "/dev/null/none"), -ENOTDIR);
}

static void a_full_table_passes_by(void **state)
{
	struct sightings *s = *state;
	char name[32];

	for (int i = 0; i < SIGHTINGS; i++) {
		snprintf(name, sizeof(name), "crash/free/%d", i);
		assert_true(sightings_meet(s, name));
	}
	assert_false(sightings_meet(s, "one/too/many"));
	assert_false(sightings_settle(s, "one/too/many"));
	assert_true(sightings_settle(s, "crash/free/7"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tries_grow_rare, begin, end),
		cmocka_unit_test_setup_teardown(what_is_told_is_passed_by, begin, end),
		cmocka_unit_test_setup_teardown(where_it_stands_still_is_chance, begin, end),
		cmocka_unit_test_setup_teardown(the_file_is_read_when_it_changes, begin, end),
		cmocka_unit_test_setup_teardown(a_full_table_passes_by, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
