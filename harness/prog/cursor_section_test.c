#include "harness/prog/cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/prog/program_testing.h"

/* Behind two statements, so that numbers and lines differ from places. */
static size_t section_text(char *text, size_t size, unsigned padding)
{
	size_t len = (size_t)snprintf(text, size, "%s",
				      "allocrig 1\nusable b[7]\nrepeat 3 {\nparallel {\n"
				      "@0 repeat 2 {\nmalloc b[0] 1\nrepeat 2 {\nfree b[0]\n}\n}\n"
				      "@1 malloc b[1] 2\n@1 fork {\nusable b[1]\n}\n");

	for (unsigned i = 0; i < padding; i++)
		len += (size_t)snprintf(text + len, size - len, "@2 trim\n");
	return len + (size_t)snprintf(text + len, size - len, "@1 free b[1]\n}\nfree b[9]\n}\n");
}

/* In rounds: a section is replayed from the window, a long one read again. */
static void check_section(unsigned padding)
{
	static char text[200000];
	size_t len = section_text(text, sizeof(text), padding);
	struct prog_error err;
	struct cursor *section;
	struct arena a, sa;
	struct cursor *c;
	const struct op *op;
	int fd = text_file(text, len);

	assert_int_equal(arena_init(&a, cursor_arena_bytes()), 0);
	assert_int_equal(cursor_new(&a, fd, &c, &err), 0);
	assert_int_equal(arena_init(&sa, cursor_arena_bytes()), 0);
	assert_int_equal(cursor_new_section(&sa, &section), 0);
	assert_int_equal(cursor_next(section, &op, &err), 1);
	assert_int_equal(cursor_next(c, &op, &err), 0);
	for (unsigned round = 0; round < 3; round++) {
		static const uint8_t lane0[] = {OP_MALLOC, OP_FREE, OP_FREE};
		static const uint8_t lane1[] = {OP_MALLOC, OP_FORK, OP_USABLE, OP_END, OP_FREE};

		assert_int_equal(cursor_next(c, &op, &err), 0);
		assert_int_equal(op->code, OP_PARALLEL);
		cursor_section(c, 0, section);
		for (unsigned i = 0; i < 6; i++) {
			assert_int_equal(cursor_next(section, &op, &err), 0);
			assert_int_equal(op->code, lane0[i % 3]);
		}
		assert_int_equal(cursor_next(section, &op, &err), 1);
		assert_int_equal(cursor_next(section, &op, &err), 1);
		cursor_section(c, 1, section);
		for (unsigned i = 0; i < 5; i++) {
			assert_int_equal(cursor_next(section, &op, &err), 0);
			assert_int_equal(op->code, lane1[i]);
			assert_int_equal(cursor_iteration(section), round);
		}
		assert_int_equal(op->stmt, 10 + padding);
		assert_int_equal(op->line, 15 + padding);
		assert_int_equal(cursor_next(section, &op, &err), 1);
		cursor_section(c, 3, section);
		assert_int_equal(cursor_next(section, &op, &err), 1);
		assert_int_equal(cursor_skip_block(c, &err), 0);
		assert_int_equal(cursor_next(c, &op, &err), 0);
		assert_int_equal(op->code, OP_FREE);
		assert_int_equal(op->slice.start, 9);
	}
	assert_int_equal(cursor_next(c, &op, &err), 1);
	arena_release(&sa);
	arena_release(&a);
	close(fd);
}

static void sections_hand_out_the_lines_of_a_thread(void **state)
{
	(void)state;
	check_section(0);
	check_section(CURSOR_WINDOW - 5);
	check_section(CURSOR_WINDOW + 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_hand_out_the_lines_of_a_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
