#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/whole/whole_bindings.h"

#define LINE(from, to, symbol)                                                                     \
	"      1:\tbinding file " from " [0] to " to " [0]: normal symbol `" symbol "' [V]\n"

static struct whole_bindings read_text(const char *text)
{
	uint64_t calls[WHOLE_CALLS] = {[WHOLE_MALLOC] = 9, [WHOLE_REALLOC] = 9};
	struct whole_bindings_request q = {.server = "lua", .file = "/no/a b.so", .calls = calls};
	struct whole_bindings b = {0};
	FILE *in = fmemopen((char *)(uintptr_t)text, strlen(text), "r");

	assert_non_null(in);
	whole_bindings_read(in, &q, &b);
	fclose(in);
	return b;
}

static void all_by_the_file(void **state)
{
	struct whole_bindings b = read_text(LINE("lua", "/no/a b.so", "malloc") LINE(
		"/l/libc.so", "/no/a b.so", "free") LINE("/l/x.so", "/no/a b.so", "realloc"));

	(void)state;
	assert_true(b.is_server);
	assert_int_equal(b.served, 2);
	assert_string_equal(b.call, "");
}

static void another_file_serves(void **state)
{
	struct whole_bindings b = read_text(LINE("lua", "/no/a b.so", "malloc")
						    LINE("/l/x.so", "/l/libc.so", "realloc"));

	(void)state;
	assert_string_equal(b.call, "realloc");
	assert_string_equal(b.by, "/l/libc.so");
}

/* A path that begins alike is another file. */
static void another_path(void **state)
{
	struct whole_bindings b = read_text(LINE("lua", "/no/a b.so.2", "malloc"));

	(void)state;
	assert_int_equal(b.served, 0);
	assert_string_equal(b.by, "/no/a b.so.2");
}

static void what_is_not_called_may_be_anyones(void **state)
{
	struct whole_bindings b = read_text(LINE("lua", "/l/libc.so", "memalign")
						    LINE("lua", "/l/libc.so", "mallopt"));

	(void)state;
	assert_string_equal(b.call, "");
	assert_int_equal(b.served, 0);
}

/* What an allocator takes from libc is its own affair. */
static void inside_of_the_file(void **state)
{
	struct whole_bindings b = read_text(LINE("/no/a b.so", "/l/libc.so", "malloc")
						    LINE("/no/a b.so", "/no/a b.so", "malloc"));

	(void)state;
	assert_string_equal(b.call, "");
	assert_int_equal(b.served, 0);
	assert_false(b.is_server);
}

static void executable_in_front(void **state)
{
	struct whole_bindings jump =
		read_text(LINE("/l/x.so", "./lua", "free") LINE("lua", "/no/a b.so", "free"));
	struct whole_bindings own =
		read_text(LINE("/l/x.so", "./lua", "free") LINE("lua", "/no/a b.so", "malloc"));

	(void)state;
	assert_string_equal(jump.call, "");
	assert_string_equal(own.call, "free");
	assert_string_equal(own.by, "lua");
}

static void lines_that_are_none(void **state)
{
	struct whole_bindings b = read_text("\n  1:\tbinding file lua [0] to \n"
					    "binding file lua [0] to x [0]: normal symbol `malloc\n"
					    "1: calling init: lua\nbinding file");

	(void)state;
	assert_false(b.is_server);
	assert_int_equal(b.served, 0);
	assert_string_equal(b.call, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_by_the_file),
		cmocka_unit_test(another_file_serves),
		cmocka_unit_test(another_path),
		cmocka_unit_test(what_is_not_called_may_be_anyones),
		cmocka_unit_test(inside_of_the_file),
		cmocka_unit_test(executable_in_front),
		cmocka_unit_test(lines_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
