#include "harness/prog/cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/prog/program_testing.h"

/* On the machine of these tests `root` holds and nothing else does. */
static bool holds(const struct op *op)
{
	return op->fact.fact == FACT_ROOT;
}

/* Walks to the end as an executor does. Lines as letters: 'a' is the first of the text. */
static void assert_lines(struct cursor *c, const char *lines)
{
	struct prog_error err;
	const struct op *op;

	for (const char *at = lines; *at; at++) {
		assert_int_equal(cursor_next(c, &op, &err), 0);
		if (op->line != (uint32_t)(*at - 'a') + 1)
			fail_msg("line %c instead of %s", (int)('a' + op->line - 1), at);
		if (op->code == OP_WHEN && !holds(op))
			assert_int_equal(cursor_skip_block(c, &err), 0);
	}
	assert_int_equal(cursor_next(c, &op, &err), 1);
	assert_int_equal(cursor_next(c, &op, &err), 1);
}

struct open_cursor {
	struct arena arena;
	struct cursor *cursor;
	int fd;
};

static void setup(struct open_cursor *o, const char *text)
{
	struct prog_error err;

	o->fd = text_file(text, strlen(text));
	assert_int_equal(arena_init(&o->arena, 2 * cursor_arena_bytes()), 0);
	if (cursor_new(&o->arena, o->fd, &o->cursor, &err))
		fail_msg("%u:%u: %s", err.line, err.column, err.message);
}

static void teardown(struct open_cursor *o)
{
	arena_release(&o->arena);
	close(o->fd);
}

static void assert_walks(const char *text, const char *lines)
{
	struct open_cursor o;

	setup(&o, text);
	assert_lines(o.cursor, lines);
	teardown(&o);
}

static void blocks_are_run_or_skipped(void **state)
{
	(void)state;
	assert_walks("allocrig 1\nwhen root != 0 {\ntrim\n}\ntrim\n", "bce");
	assert_walks("allocrig 1\nwhen shm != 0 {\ntrim\n}\ntrim\n", "be");
	assert_walks("allocrig 1\nwhen root != 0 {\n}\nwhen shm != 0 {\n}\n", "bd");
	assert_walks("allocrig 1\n"
		     "when root != 0 {\n" /* b */
		     "when shm != 0 {\n"  /* c */
		     "when root != 0 {\n" /* d */
		     "trim\n}\n}\n"	  /* e f g */
		     "trim\n}\n",	  /* h i */
		     "bch");
}

static void rounds_ask_again(void **state)
{
	(void)state;
	assert_walks("allocrig 1\n"
		     "repeat 3 {\n"	  /* b */
		     "trim\n"		  /* c */
		     "when shm != 0 {\n"  /* d */
		     "trim\n}\n"	  /* e f */
		     "when root != 0 {\n" /* g */
		     "repeat 2 {\n"	  /* h */
		     "trim\n}\n}\n}\n",	  /* i j k l */
		     "cdgiicdgiicdgii");
}

/* Asking for facts is no op: 2^64 rounds of it would never end. */
static void loops_that_ask_alone_end(void **state)
{
	(void)state;
	assert_walks("allocrig 1\n"
		     "repeat 18446744073709551615 {\n" /* b */
		     "when root != 0 {\n"	       /* c */
		     "repeat 18446744073709551615 {\n" /* d */
		     "when shm != 0 {\n"	       /* e */
		     "trim\n}\n"		       /* f g */
		     "}\n}\n}\ntrim\n",		       /* h i j k */
		     "cek");
}

/* The OP_END that comes is the fork's. */
static void a_fork_ends_with_its_own_end(void **state)
{
	(void)state;
	assert_walks("allocrig 1\n"
		     "when root != 0 {\n" /* b */
		     "fork {\n"		  /* c */
		     "when root != 0 {\n" /* d */
		     "trim\n}\n"	  /* e f */
		     "when shm != 0 {\n"  /* g */
		     "trim\n}\n"	  /* h i */
		     "}\ntrim\n}\n",	  /* j k l */
		     "bcdegjk");
}

/* How many ops a walk hands out where all facts hold, and the last round that it saw end. */
static unsigned walk(struct cursor *c, struct cursor_round *ret_last)
{
	struct prog_error err;
	const struct op *op;
	unsigned n = 0;

	while (cursor_next(c, &op, &err) == 0)
		n++;
	*ret_last = *cursor_last_round(c);
	return n;
}

/* Where a `when` stands a loop in it would be outermost. */
static void loops_in_when_are_outermost(void **state)
{
	static const char text[] = "allocrig 1\n"
				   "when root == 1 {\nwhen shm == 1 {\n"
				   "repeat 2 {\ntrim\n"
				   "when root == 1 {\nrepeat 3 {\ntrim\n}\n}\n"
				   "}\n}\n}\n"
				   "fork {\nwhen root == 1 {\nrepeat 2 {\ntrim\n}\n}\n}\n";
	struct open_cursor o;
	struct prog_error err;
	struct cursor_round last;

	(void)state;
	setup(&o, text);
	assert_int_equal(walk(o.cursor, &last), 2 + 2 * (1 + 1 + 3) + 1 + 1 + 2 + 1);
	assert_int_equal(last.ends, 2);
	assert_int_equal(last.stmt, 2);
	assert_true(last.last);
	assert_int_equal(cursor_rewind(o.cursor, &err), 0);
	cursor_stretch(o.cursor, 4);
	assert_int_equal(walk(o.cursor, &last), 2 + 4 * 2 * (1 + 1 + 3) + 1 + 1 + 2 + 1);
	assert_int_equal(last.ends, 4 * 2);
	teardown(&o);
}

/* A section that stands in a `when`, and has some. */
static void sections_have_when_blocks(void **state)
{
	struct open_cursor o;
	struct cursor *section;
	struct prog_error err;
	const struct op *op;

	(void)state;
	setup(&o, "allocrig 1\n"
		  "when root == 1 {\n"	  /* b */
		  "parallel {\n"	  /* c */
		  "@1 when root == 1 {\n" /* d */
		  "trim\n"		  /* e */
		  "repeat 2 {\n"	  /* f */
		  "when root == 1 {\n"	  /* g */
		  "free b[0]\n"		  /* h */
		  "}\n}\n}\n"		  /* i j k */
		  "@2 when shm == 1 {\n"  /* l */
		  "trim\n}\n"		  /* m n */
		  "@1 trim\n"		  /* o */
		  "@1 when shm == 1 {\n"  /* p */
		  "trim\n}\n"		  /* q r */
		  "}\n}\n");
	assert_int_equal(cursor_new_section(&o.arena, &section), 0);
	assert_int_equal(cursor_next(o.cursor, &op, &err), 0);
	assert_int_equal(op->code, OP_WHEN);
	assert_int_equal(cursor_next(o.cursor, &op, &err), 0);
	assert_int_equal(op->code, OP_PARALLEL);
	cursor_section(o.cursor, 1, section);
	assert_lines(section, "deghghop");
	cursor_section(o.cursor, 2, section);
	assert_lines(section, "l");
	cursor_section(o.cursor, 0, section);
	assert_lines(section, "");
	assert_int_equal(cursor_skip_block(o.cursor, &err), 0);
	assert_int_equal(cursor_next(o.cursor, &op, &err), 1);
	teardown(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_run_or_skipped),
		cmocka_unit_test(rounds_ask_again),
		cmocka_unit_test(loops_that_ask_alone_end),
		cmocka_unit_test(a_fork_ends_with_its_own_end),
		cmocka_unit_test(loops_in_when_are_outermost),
		cmocka_unit_test(sections_have_when_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
