#include "harness/prog/program.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/prog/program_testing.h"

static const char written[] = "allocrig 1\n"
			      "ballast 40\n"
			      "needs root\n"
			      "@2 repeat 3 {\n"
			      "  malloc b[0] 1\n"
			      "  @1 fork {\n"
			      "    free b[0]\n"
			      "  }\n"
			      "}\n"
			      "trim\n";

static struct prog_reader reader;
static struct op ops[16];

static int read_text(const char *text, struct program *p)
{
	struct prog_error err;
	int fd = text_file(text, strlen(text));
	int ret = program_read(&reader, fd, p, &err);

	close(fd);
	return ret;
}

static void writing_undoes_reading(void **state)
{
	struct program p = {.ops = ops, .max_ops = 16};
	char buf[sizeof(written)];

	(void)state;
	assert_int_equal(read_text(written, &p), 0);
	assert_int_equal(p.nops, 7);
	assert_int_equal(program_write(&p, buf, sizeof(buf)), sizeof(written) - 1);
	assert_string_equal(buf, written);
}

static void buffers_may_be_too_small(void **state)
{
	struct program p = {.ops = ops, .max_ops = 16};
	char buf[sizeof(written)];

	(void)state;
	assert_int_equal(read_text(written, &p), 0);
	for (size_t size = 1; size < sizeof(written); size++)
		assert_int_equal(program_write(&p, buf, size), -ENOSPC);
	p.max_ops = 6;
	assert_int_equal(read_text(written, &p), -ENOSPC);
	assert_int_equal(p.nops, 6);
	p.max_ops = 7;
	assert_int_equal(read_text(written, &p), 0);
	assert_int_equal(read_text("allocrig 2\n", &p), -EINVAL);
}

static void unbalanced_blocks_are_not_written(void **state)
{
	struct program p = {.ops = ops, .max_ops = 16};
	char buf[4096];

	(void)state;
	p.nops = 1;
	ops[0] = (struct op){.code = OP_END};
	assert_int_equal(program_write(&p, buf, sizeof(buf)), -EINVAL);
	ops[0] = (struct op){.code = OP_FORK};
	assert_int_equal(program_write(&p, buf, sizeof(buf)), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writing_undoes_reading),
		cmocka_unit_test(buffers_may_be_too_small),
		cmocka_unit_test(unbalanced_blocks_are_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
