#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/cli/tape_json.h"
#include "harness/cli/tape_out.h"

#define NAMES "\"allocator\":\"a\",\"program\":\"p\""

static struct tape_entry full_entry(void)
{
	struct tape_entry e = {
		.stmt = 4,
		.slot = 3,
		.iteration = 6,
		.op_code = OP_FREE,
		.thread = 1,
		.has_slot = SPACE_BLOCK,
		.proc = 2,
		.again = 1,
		.call = {.nr = SYS_munmap,
			 .arg = {0x7f01a2b3c000, 135168, 1, 2, 3, 4},
			 .result = -ENOMEM,
			 .err = ENOMEM,
			 .injected = true,
			 .ns = 310},
		.maps = 41,
		.mapped_bytes = -4096,
	};

	return e;
}

/* The line as any JSON library reads it. */
static json_t *read_line(const struct tape_entry *e)
{
	char line[sizeof(NAMES) + TAPE_JSON];
	json_error_t err;
	int len = tape_json_line(NAMES, e, line, sizeof(line));

	assert_true(len > 0 && line[len - 1] == '\n' && !memchr(line, '\n', (size_t)len - 1));
	json_t *o = json_loadb(line, (size_t)len, JSON_REJECT_DUPLICATES, &err);

	if (!o)
		fail_msg("%s\n%s", err.text, line);
	return o;
}

static void assert_word(const json_t *o, const char *key, const char *expected)
{
	const char *word = json_string_value(json_object_get(o, key));

	if (!word)
		fail_msg("%s is no string", key);
	assert_string_equal(word, expected);
}

static void assert_integer(const json_t *o, const char *key, json_int_t expected)
{
	const json_t *n = json_object_get(o, key);

	if (!json_is_integer(n) || json_integer_value(n) != expected)
		fail_msg("%s is %lld, not %lld", key, (long long)json_integer_value(n),
			 (long long)expected);
}

static void all_of_an_entry_is_there(void **state)
{
	struct tape_entry e = full_entry();
	json_t *o = read_line(&e);

	(void)state;
	assert_int_equal(json_object_size(o), 20);
	assert_word(o, "schema", "allocrig.tape/1");
	assert_word(o, "allocator", "a");
	assert_word(o, "program", "p");
	assert_integer(o, "op", 4);
	assert_word(o, "op_name", "free");
	assert_integer(o, "slot", 3);
	assert_word(o, "space", "b");
	assert_integer(o, "iteration", 6);
	assert_integer(o, "thread", 1);
	assert_integer(o, "proc", 2);
	assert_true(json_is_true(json_object_get(o, "again")));
	assert_word(o, "caller", "allocator");
	assert_word(o, "call", "munmap");
	assert_int_equal(json_array_size(json_object_get(o, "args")), 2);
	assert_integer(o, "result", -ENOMEM);
	assert_word(o, "errno", "ENOMEM");
	assert_true(json_is_true(json_object_get(o, "injected")));
	assert_integer(o, "ns", 310);
	assert_integer(o, "maps", 41);
	assert_integer(o, "mapped_bytes", -4096);
	json_decref(o);
}

static void what_is_not_known_is_null(void **state)
{
	struct tape_entry e = {.stmt = -1,
			       .op_code = OP_CODES,
			       .call = {.nr = SYS_getpid, .caller = CALLER_PROGRAM},
			       .maps = INT64_MIN,
			       .mapped_bytes = INT64_MIN};
	static const char *const null[] = {"op_name", "slot", "space",
					   "errno",   "maps", "mapped_bytes"};
	json_t *o = read_line(&e);

	(void)state;
	for (size_t i = 0; i < sizeof(null) / sizeof(null[0]); i++)
		if (!json_is_null(json_object_get(o, null[i])))
			fail_msg("%s is not null", null[i]);
	assert_integer(o, "op", -1);
	assert_word(o, "caller", "program");
	assert_int_equal(json_array_size(json_object_get(o, "args")), 0);
	assert_true(json_is_false(json_object_get(o, "injected")));
	json_decref(o);
}

/* All 64 bits come back, and an integer is an integer. */
static void registers_are_whole(void **state)
{
	static const uint64_t values[] = {
		0, 1, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX - 1, UINT64_MAX};
	struct tape_entry e = full_entry();

	(void)state;
	e.call.nr = 100000;
	memcpy(e.call.arg, values, sizeof(values));
	json_t *o = read_line(&e);
	json_t *args = json_object_get(o, "args");

	assert_word(o, "call", "syscall_100000");
	assert_int_equal(json_array_size(args), 6);
	for (size_t i = 0; i < 6; i++) {
		assert_true(json_is_integer(json_array_get(args, i)));
		assert_true((uint64_t)json_integer_value(json_array_get(args, i)) == values[i]);
	}
	json_decref(o);
}

static void an_errno_without_a_name_is_a_number(void **state)
{
	struct tape_entry e = full_entry();
	json_t *o;

	(void)state;
	e.call.err = 0;
	e.call.result = -4000;
	o = read_line(&e);
	assert_word(o, "errno", "4000");
	json_decref(o);
	e.call = (struct kernel_call){.nr = SYS_brk, .result = 0x5000, .err = ENOMEM};
	o = read_line(&e);
	assert_word(o, "errno", "ENOMEM");
	assert_integer(o, "result", 0x5000);
	json_decref(o);
}

static void a_line_always_fits(void **state)
{
	struct tape_entry e;

	(void)state;
	memset(&e, 0xff, sizeof(e));
	e.call.injected = true;
	e.op_code = OP_POSIX_MEMALIGN;
	e.iteration = (uint64_t)INT64_MIN;
	e.call.result = e.maps = e.mapped_bytes = INT64_MIN + 1;
	for (int i = 0; i < 6; i++)
		e.call.arg[i] = (uint64_t)INT64_MIN;
	json_decref(read_line(&e));
}

static void names_may_hold_anything(void **state)
{
	char *names = tape_json_names("a\"\\\n\x01", "\xff.prog");
	char line[TAPE_JSON + 256];
	struct tape_entry e = full_entry();

	(void)state;
	assert_non_null(names);
	int len = tape_json_line(names, &e, line, sizeof(line));
	json_t *o = json_loadb(line, (size_t)len, 0, NULL);

	assert_word(o, "allocator", "a\"\\\n\x01");
	assert_word(o, "program", "\\xff.prog");
	json_decref(o);
	free(names);
}

/* A tape of many more lines than one write has, read back. */
static size_t lines_of(FILE *f, size_t *ret_dropped)
{
	char *line = NULL;
	size_t room = 0, n = 0;

	*ret_dropped = 0;
	while (getline(&line, &room, f) > 0) {
		json_t *o = json_loads(line, 0, NULL);

		assert_non_null(o);
		if (strcmp(json_string_value(json_object_get(o, "schema")), "allocrig.tape/1") == 0)
			assert_integer(o, "op", (json_int_t)n++);
		else
			*ret_dropped = (size_t)json_integer_value(json_object_get(o, "dropped"));
		json_decref(o);
	}
	free(line);
	return n;
}

static void a_tape_is_whole_and_in_order(void **state)
{
	char path[] = "/tmp/tape_json_test.XXXXXX";
	static struct tape_entry entries[1000];
	struct tape_out t;
	size_t dropped;

	(void)state;
	close(mkstemp(path));
	assert_int_equal(tape_out_open(&t, path, NULL), 0);
	assert_int_equal(tape_out_begin(&t, "a", "p"), 0);
	for (int batch = 0; batch < 5; batch++) {
		for (int i = 0; i < 1000; i++) {
			entries[i] = full_entry();
			entries[i].stmt = 1000 * batch + i;
		}
		tape_out_entries(&t, entries, 1000);
	}
	assert_int_equal(tape_out_end(&t, 77), 0);
	assert_int_equal(tape_out_close(&t), 0);
	FILE *f = fopen(path, "re");

	assert_int_equal(lines_of(f, &dropped), 5000);
	assert_int_equal(dropped, 77);
	fclose(f);
	unlink(path);
}

static void a_full_disk_is_told_at_the_end(void **state)
{
	struct tape_entry e = full_entry();
	struct tape_out t;

	(void)state;
	assert_int_equal(tape_out_open(&t, "/dev/full", NULL), 0);
	assert_int_equal(tape_out_begin(&t, "a", "p"), 0);
	tape_out_entries(&t, &e, 1);
	tape_out_entries(&t, &e, 1);
	assert_int_equal(tape_out_end(&t, 0), -ENOSPC);
	assert_int_equal(tape_out_close(&t), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_an_entry_is_there),
		cmocka_unit_test(what_is_not_known_is_null),
		cmocka_unit_test(registers_are_whole),
		cmocka_unit_test(an_errno_without_a_name_is_a_number),
		cmocka_unit_test(a_line_always_fits),
		cmocka_unit_test(names_may_hold_anything),
		cmocka_unit_test(a_tape_is_whole_and_in_order),
		cmocka_unit_test(a_full_disk_is_told_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
