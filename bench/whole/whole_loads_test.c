#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/whole/whole.h"

static char *text_of(const struct whole_program *p, unsigned percent, size_t *ret_len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_len);

	assert_non_null(out);
	p->write_load(out, percent);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void loads_repeat_and_scale(void **state)
{
	(void)state;
	for (unsigned i = 0; i < whole_nprograms; i++) {
		const struct whole_program *p = &whole_programs[i];
		size_t one, same, small;

		if (!p->write_load)
			continue;
		char *a = text_of(p, 100, &one), *b = text_of(p, 100, &same);
		char *c = text_of(p, 1, &small);

		assert_int_equal(one, same);
		assert_memory_equal(a, b, one);
		assert_in_range(small, 1, one / 2);
		free(a);
		free(b);
		free(c);
	}
}

static void programs_are_whole(void **state)
{
	(void)state;
	for (unsigned i = 0; i < whole_nprograms; i++) {
		const struct whole_program *p = &whole_programs[i];

		assert_ptr_equal(whole_by_name(p->name), p);
		assert_non_null(p->tools[0]);
		assert_non_null(p->package);
		assert_non_null(p->output);
		assert_non_null(p->environment);
		assert_true(p->load == NULL || p->write_load || p->load_source);
		assert_null(p->args[WHOLE_ARGS - 1]);
	}
	assert_null(whole_by_name("no-such-program"));
}

static void tools_are_looked_for(void **state)
{
	char path[PATH_MAX];

	(void)state;
	assert_int_equal(whole_find_tool("/bin/sh", path), 0);
	assert_int_equal(whole_find_tool("sh", path), 0);
	assert_true(whole_find_tool("no-such-tool-anywhere", path) != 0);
	assert_true(whole_find_tool("/no/such/tool", path) != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_repeat_and_scale),
		cmocka_unit_test(programs_are_whole),
		cmocka_unit_test(tools_are_looked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
