#include "bench/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

static unsigned troubles(const struct machine_state *states, size_t n, char **ret_text)
{
	size_t size;
	FILE *out = open_memstream(ret_text, &size);
	unsigned lines = machine_troubles(NULL, states, n, out);

	fclose(out);
	return lines;
}

static void a_quiet_machine_has_no_trouble(void **state)
{
	const struct machine_state states[] = {
		{.load1 = 0.1, .mhz = 3000, .spin_ns = 350000, .others_cpu = -1, .steal_ticks = 7},
		{.load1 = 0.1,
		 .mhz = 3020,
		 .spin_ns = 355000,
		 .others_cpu = 0.02,
		 .steal_ticks = 8},
	};
	char *text;

	(void)state;
	assert_int_equal(troubles(states, 2, &text), 0);
	assert_string_equal(text, "");
	free(text);
}

static void nothing_known_is_no_trouble(void **state)
{
	const struct machine_state unknown = {-1, -1, -1, -1, -1};
	const struct machine_state states[] = {unknown, unknown};
	char *text;

	(void)state;
	assert_int_equal(troubles(states, 2, &text), 0);
	free(text);
	assert_int_equal(troubles(NULL, 0, &text), 0);
	free(text);
}

static void each_trouble_is_told_with_its_numbers(void **state)
{
	const struct machine_state states[] = {
		{.mhz = 3000, .spin_ns = 350000, .others_cpu = -1, .steal_ticks = 7},
		{.mhz = 2000, .spin_ns = 525000, .others_cpu = 0.5, .steal_ticks = 107},
		{.mhz = 2500, .spin_ns = 400000, .others_cpu = 1.5, .steal_ticks = -1},
	};
	char *text;

	(void)state;
	assert_int_equal(troubles(states, 3, &text), 4);
	assert_non_null(strstr(text, "1.00 processors busy on average, 1.50 at most"));
	assert_non_null(strstr(text, "350 to 525 us"));
	assert_non_null(strstr(text, "50 %"));
	assert_non_null(strstr(text, "2000 to 3000 MHz"));
	assert_non_null(strstr(text, "gave 100 ticks"));
	free(text);
}

static void a_state_is_read(void **state)
{
	struct machine_state s;

	(void)state;
	machine_state_read(&s);
	assert_true(s.load1 >= 0);
	assert_true(s.spin_ns > 1000);
	assert_true(s.steal_ticks >= 0);
	json_t *o = machine_state_json(&s);

	assert_true(json_is_real(json_object_get(o, "spin_ns")));
	assert_true(json_is_integer(json_object_get(o, "steal_ticks")));
	json_decref(o);
}

static void unknown_values_are_null(void **state)
{
	const struct machine_state s = {-1, -1, -1, -1, -1};
	json_t *o = machine_state_json(&s), *value;
	const char *key;

	(void)state;
	assert_int_equal(json_object_size(o), 5);
	json_object_foreach(o, key, value) assert_true(json_is_null(value));
	json_decref(o);
}

static void settings_have_limits_and_what_allocators_read(void **state)
{
	struct rlimit files;

	(void)state;
	assert_int_equal(setenv("MIMALLOC_PURGE_DELAY", "7", 1), 0);
	assert_int_equal(setenv("BENCH_OF_NO_MEANING", "7", 1), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
	struct machine_setting *m = machine_read();
	json_t *o = m ? machine_json(m) : NULL;

	assert_non_null(o);
	json_t *environment = json_object_get(o, "environment");

	assert_string_equal(json_string_value(json_object_get(environment, "MIMALLOC_PURGE_DELAY")),
			    "7");
	assert_null(json_object_get(environment, "BENCH_OF_NO_MEANING"));
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(o, "limits"), "nofile")),
		files.rlim_cur);
	assert_true(json_is_integer(json_object_get(o, "aslr")));
	assert_true(json_is_string(json_object_get(o, "cpus_allowed")));
	assert_true(json_integer_value(json_object_get(o, "memory_bytes")) > 1 << 20);
	json_decref(o);
	machine_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quiet_machine_has_no_trouble),
		cmocka_unit_test(nothing_known_is_no_trouble),
		cmocka_unit_test(each_trouble_is_told_with_its_numbers),
		cmocka_unit_test(a_state_is_read),
		cmocka_unit_test(unknown_values_are_null),
		cmocka_unit_test(settings_have_limits_and_what_allocators_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
