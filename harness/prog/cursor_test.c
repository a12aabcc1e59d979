#include "harness/prog/cursor.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/prog/program_testing.h"

/* What the cursor should hand out: the op's code, where it stands, and the round. */
struct step {
	uint32_t code, line;
	uint64_t iteration;
};

#define STEPS 400000

static struct step expected[STEPS];
static size_t nexpected;

struct open_cursor {
	struct arena arena;
	struct cursor *cursor;
	int fd;
};

static void setup(struct open_cursor *o, const char *text, size_t len)
{
	struct prog_error err;

	o->fd = text_file(text, len);
	assert_int_equal(arena_init(&o->arena, cursor_arena_bytes()), 0);
	if (cursor_new(&o->arena, o->fd, &o->cursor, &err))
		fail_msg("%u:%u: %s", err.line, err.column, err.message);
}

static void teardown(struct open_cursor *o)
{
	arena_release(&o->arena);
	close(o->fd);
}

/* Behind the end of the block that ops[open] opens. */
static size_t behind_block(const struct op *ops, size_t open)
{
	unsigned depth = 0;

	do {
		if (op_opens_block(ops[open].code))
			depth++;
		else if (ops[open].code == OP_END)
			depth--;
		open++;
	} while (depth);
	return open;
}

static void expect_step(const struct op *ops, size_t i, uint64_t iteration)
{
	if (nexpected < STEPS)
		expected[nexpected] = (struct step){ops[i].code, (uint32_t)i + 2, iteration};
	nexpected++;
}

static bool has_leaf(const struct op *ops, size_t from, size_t to);

/* On the machine of these tests the facts with even numbers hold, whatever is asked. */
static bool fact_holds(const struct op *op)
{
	return op->fact.fact % 2 == 0;
}

/* Whether running this statement hands out anything but OP_WHEN. */
static bool hands_out(const struct op *ops, size_t i)
{
	if (ops[i].code == OP_WHEN)
		return fact_holds(&ops[i]) && has_leaf(ops, i + 1, behind_block(ops, i) - 1);
	if (ops[i].code != OP_REPEAT)
		return ops[i].code != OP_END;
	return ops[i].arg0 && has_leaf(ops, i + 1, behind_block(ops, i) - 1);
}

static bool has_leaf(const struct op *ops, size_t from, size_t to)
{
	while (from < to) {
		if (hands_out(ops, from))
			return true;
		from = op_opens_block(ops[from].code) ? behind_block(ops, from) : from + 1;
	}
	return false;
}

/* The reference: what it means to run the ops from..to, by recursion. */
static void expand(const struct op *ops, size_t from, size_t to, uint64_t iteration)
{
	for (size_t i = from; i < to && nexpected < STEPS;) {
		if (!op_opens_block(ops[i].code)) {
			expect_step(ops, i++, iteration);
			continue;
		}
		size_t behind = behind_block(ops, i);

		if (ops[i].code == OP_WHEN) {
			expect_step(ops, i, iteration);
			if (fact_holds(&ops[i]))
				expand(ops, i + 1, behind - 1, iteration);
		} else if (ops[i].code == OP_REPEAT) {
			uint64_t rounds = ops[i].arg0;

			/* What asks for facts alone does so once. */
			if (rounds && !hands_out(ops, i))
				rounds = 1;

			for (uint64_t round = 0; round < rounds && nexpected < STEPS; round++)
				expand(ops, i + 1, behind - 1, round);
		} else {
			expect_step(ops, i, iteration);
			expand(ops, i + 1, behind - 1, iteration);
			expect_step(ops, behind - 1, iteration);
		}
		i = behind;
	}
}

static void assert_step(const struct op *op, uint64_t iteration, size_t i)
{
	const struct step *e = &expected[i];

	if (op->code != e->code || op->line != e->line || iteration != e->iteration)
		fail_msg("step %zu: code %u line %u round %ju instead of code %u line %u round %ju",
			 i, op->code, op->line, (uintmax_t)iteration, e->code, e->line,
			 (uintmax_t)e->iteration);
}

/*
 * Walks the program and compares; an op handed out has to be whole one call later still. Programs
 * that go on beyond STEPS are left there.
 */
static void assert_walks(const struct op *ops, size_t n, const char *text, size_t len)
{
	const struct op *op, *previous = NULL;
	struct op copy = {0};
	struct open_cursor o;
	struct prog_error err;
	int ret;

	nexpected = 0;
	expand(ops, 0, n, 0);
	setup(&o, text, len);
	size_t steps = nexpected < STEPS ? nexpected : STEPS;

	for (size_t i = 0; i < steps; i++) {
		ret = cursor_next(o.cursor, &op, &err);
		if (ret)
			fail_msg("step %zu of %zu: %d", i, steps, ret);
		if (previous && memcmp(previous, &copy, sizeof(copy)) != 0)
			fail_msg("step %zu: the op before was overwritten", i);
		assert_step(op, cursor_iteration(o.cursor), i);
		if (op->code == OP_WHEN && !fact_holds(op))
			assert_int_equal(cursor_skip_block(o.cursor, &err), 0);
		previous = op;
		copy = *op;
	}
	if (nexpected < STEPS) {
		assert_int_equal(cursor_next(o.cursor, &op, &err), 1);
		assert_int_equal(cursor_next(o.cursor, &op, &err), 1);
		assert_int_equal(cursor_iteration(o.cursor), 0);
	}
	teardown(&o);
}

static void small_programs_are_unrolled(void **state)
{
	static char text[64 * 4096];
	static struct op ops[64];
	struct random r = {.state = 11};

	(void)state;
	for (int round = 0; round < 300; round++) {
		size_t n = random_program(&r, ops, 2 + random_below(&r, 62));

		/* Rounds few enough to be compared to the end, most of the time. */
		for (size_t i = 0; i < n; i++)
			if (ops[i].code == OP_REPEAT)
				ops[i].arg0 = random_below(&r, 20) ? random_below(&r, 4) : 1u << 30;
		assert_walks(ops, n, text, program_print(ops, n, text, sizeof(text)));
	}
}

#define LARGE (4 * CURSOR_WINDOW)

/* A builder of large programs of plain ops and repeats. */
static struct op large[LARGE];
static size_t nlarge;

static void put(unsigned code, uint64_t arg0)
{
	assert_true(nlarge < LARGE);
	large[nlarge++] = (struct op){.code = (uint8_t)code, .arg0 = arg0};
}

static void put_leaves(size_t n)
{
	for (size_t i = 0; i < n; i++)
		put(OP_SLEEP, i);
}

static void assert_large_walks(void)
{
	static char text[LARGE * 32];

	assert_walks(large, nlarge, text, program_print(large, nlarge, text, sizeof(text)));
}

static void bodies_around_the_window_are_unrolled(void **state)
{
	(void)state;
	for (size_t body = CURSOR_WINDOW - 4; body <= CURSOR_WINDOW + 4; body++) {
		nlarge = 0;
		put_leaves(3);
		put(OP_REPEAT, 3);
		put_leaves(body);
		put(OP_END, 0);
		put_leaves(3);
		assert_large_walks();
	}
}

static void loops_in_long_loops_are_unrolled(void **state)
{
	(void)state;
	for (size_t before = CURSOR_WINDOW - 6; before <= CURSOR_WINDOW + 2; before += 2) {
		nlarge = 0;
		put(OP_REPEAT, 3);
		put_leaves(before);
		put(OP_REPEAT, 3);
		put_leaves(5);
		put(OP_REPEAT, 2);
		put_leaves(2);
		put(OP_END, 0);
		put(OP_END, 0);
		put_leaves(2);
		put(OP_END, 0);
		put_leaves(1);
		assert_large_walks();
	}
}

static void long_loops_in_long_loops_are_unrolled(void **state)
{
	(void)state;
	nlarge = 0;
	put(OP_REPEAT, 3);
	put_leaves(7);
	put(OP_REPEAT, 3);
	put_leaves(CURSOR_WINDOW + 100);
	put(OP_END, 0);
	put_leaves(CURSOR_WINDOW);
	put(OP_END, 0);
	assert_large_walks();
}

/* Ways of the window's length without an op for the caller, whose op must stay whole. */
static void long_bodies_that_never_run_are_passed(void **state)
{
	(void)state;
	for (size_t body = CURSOR_WINDOW - 6; body <= CURSOR_WINDOW + 2; body++) {
		nlarge = 0;
		put(OP_REPEAT, 4);
		put_leaves(1);
		put(OP_REPEAT, 0);
		put_leaves(body);
		put(OP_END, 0);
		put_leaves(2);
		put(OP_END, 0);
		put_leaves(1);
		assert_large_walks();
	}
	nlarge = 0;
	put(OP_REPEAT, 3);
	put(OP_REPEAT, 0);
	put_leaves(2 * CURSOR_WINDOW + 5);
	put(OP_END, 0);
	put_leaves(1);
	put(OP_END, 0);
	assert_large_walks();
}

static void random_large_programs_are_unrolled(void **state)
{
	static const uint8_t blocks[] = {OP_REPEAT, OP_REPEAT, OP_WHEN, OP_FORK};
	struct random r = {.state = 12};

	(void)state;
	for (int round = 0; round < 40; round++) {
		unsigned depth = 0;

		nlarge = 0;
		while (nlarge < LARGE / 2) {
			uint64_t kind = random_below(&r, 8);

			if (kind < 4 && depth < 5) {
				put(blocks[kind], kind < 2 ? random_below(&r, 4) : 0);
				large[nlarge - 1].fact.fact = kind == 2 ? random_below(&r, 2) : 0;
				depth++;
			} else if (kind < 6 && depth) {
				put(OP_END, 0);
				depth--;
			} else if (random_below(&r, 8) == 0) {
				put_leaves(random_below(&r, CURSOR_WINDOW));
			} else {
				put_leaves(random_below(&r, 20));
			}
		}
		for (; depth; depth--)
			put(OP_END, 0);
		assert_large_walks();
	}
}

/* A skipped block of the window's length: the op before it must stay whole. */
static void long_when_blocks_are_run_or_skipped(void **state)
{
	(void)state;
	for (size_t body = CURSOR_WINDOW - 6; body <= CURSOR_WINDOW + 2; body++) {
		for (uint32_t fact = 0; fact < 2; fact++) {
			nlarge = 0;
			put(OP_REPEAT, 3);
			put_leaves(1);
			put(OP_WHEN, 0);
			large[nlarge - 1].fact.fact = fact;
			put_leaves(body);
			put(OP_END, 0);
			put(OP_WHEN, 0);
			large[nlarge - 1].fact.fact = 1 - fact;
			put_leaves(2);
			put(OP_END, 0);
			put(OP_END, 0);
			put_leaves(1);
			assert_large_walks();
		}
	}
}

static void loops_without_an_op_end(void **state)
{
	static const char text[] = "allocrig 1\n"
				   "repeat 18446744073709551615 {\n"
				   "repeat 18446744073709551615 {\n"
				   "}\n"
				   "repeat 0 {\ntrim\n}\n"
				   "}\n"
				   "free b[0]\n";
	struct open_cursor o;
	struct prog_error err;
	const struct op *op;

	(void)state;
	setup(&o, text, strlen(text));
	assert_int_equal(cursor_next(o.cursor, &op, &err), 0);
	assert_int_equal(op->code, OP_FREE);
	assert_int_equal(cursor_next(o.cursor, &op, &err), 1);
	teardown(&o);
}

static void assert_next(struct cursor *c, unsigned code, unsigned line, uint64_t iteration)
{
	struct prog_error err;
	const struct op *op;

	assert_int_equal(cursor_next(c, &op, &err), 0);
	assert_int_equal(op->code, code);
	assert_int_equal(op->line, line);
	assert_int_equal(cursor_iteration(c), iteration);
}

static void a_block_can_be_skipped(void **state)
{
	static const char text[] = "allocrig 1\n"
				   "repeat 2 {\n"      /* 2 */
				   "fork {\n"	       /* 3 */
				   "repeat 100000 {\n" /* 4 */
				   "fork {\n"	       /* 5 */
				   "trim\n"	       /* 6 */
				   "}\n}\n}\n"	       /* 7 8 9 */
				   "free b[0]\n"       /* 10 */
				   "}\n"	       /* 11 */
				   "parallel {\ntrim\n}\nusable b[0]\n";
	struct open_cursor o;
	struct prog_error err;
	const struct op *op;

	(void)state;
	setup(&o, text, strlen(text));
	for (uint64_t round = 0; round < 2; round++) {
		assert_next(o.cursor, OP_FORK, 3, round);
		assert_int_equal(cursor_skip_block(o.cursor, &err), 0);
		assert_next(o.cursor, OP_FREE, 10, round);
	}
	assert_next(o.cursor, OP_PARALLEL, 12, 0);
	assert_int_equal(cursor_skip_block(o.cursor, &err), 0);
	assert_next(o.cursor, OP_USABLE, 15, 0);
	assert_int_equal(cursor_next(o.cursor, &op, &err), 1);
	teardown(&o);
}

/* Runs a fork's block to its end and reports whether all of it came. */
static int child_walk(struct cursor *c, size_t leaves)
{
	struct prog_error err;
	const struct op *op;

	for (size_t i = 0; i < 2 * leaves; i++)
		if (cursor_next(c, &op, &err) || op->code != OP_SLEEP || op->arg0 != i % leaves)
			return 1;
	if (cursor_next(c, &op, &err) || op->code != OP_END)
		return 2;
	return 0;
}

/* The parent skips while the child is still reading the same file. */
static void a_forked_child_goes_on_by_itself(void **state)
{
	static char text[LARGE * 32];
	static const size_t leaves[] = {0, 3, CURSOR_WINDOW + 10};
	struct prog_error err;
	struct open_cursor o;
	const struct op *op;

	(void)state;
	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		pid_t pid[3];

		nlarge = 0;
		put(OP_REPEAT, 3);
		put(OP_FORK, 0);
		put(OP_REPEAT, 2);
		put_leaves(leaves[i]);
		put(OP_END, 0);
		put(OP_END, 0);
		put(OP_TRIM, 0);
		put(OP_END, 0);
		setup(&o, text, program_print(large, nlarge, text, sizeof(text)));
		for (uint64_t round = 0; round < 3; round++) {
			assert_next(o.cursor, OP_FORK, 3, round);
			pid[round] = fork();
			if (pid[round] == 0)
				_exit(child_walk(o.cursor, leaves[i]));
			assert_int_equal(cursor_skip_block(o.cursor, &err), 0);
			assert_next(o.cursor, OP_TRIM, (unsigned)leaves[i] + 7, round);
		}
		assert_int_equal(cursor_next(o.cursor, &op, &err), 1);
		for (int round = 0; round < 3; round++) {
			int status;

			assert_int_equal(waitpid(pid[round], &status, 0), pid[round]);
			assert_int_equal(status, 0);
		}
		teardown(&o);
	}
}

static void errors_come_through(void **state)
{
	static const char text[] = "allocrig 1\nrepeat 2 {\ntrim\nbad\n}\n";
	struct prog_error err;
	struct open_cursor o;
	const struct op *op;

	(void)state;
	setup(&o, text, strlen(text));
	assert_next(o.cursor, OP_TRIM, 3, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(cursor_next(o.cursor, &op, &err), -EINVAL);
		assert_int_equal(err.line, 4);
	}
	teardown(&o);
}

static const char rounds_text[] = "allocrig 1\n"
				  "trim\n"
				  "repeat 2 {\n"
				  "repeat 3 {\ntrim\n}\n"
				  "}\n"
				  "fork {\nrepeat 2 {\ntrim\n}\n}\n"
				  "repeat 1 {\ntrim\n}\n";

/* How many ops a walk hands out, and the last round that it saw end. */
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

/* Loops in loops and in fork blocks are not outermost. */
static void rounds_of_outermost_loops_are_told(void **state)
{
	struct open_cursor o;
	struct prog_error err;
	const struct op *op;
	struct cursor_round last;

	(void)state;
	setup(&o, rounds_text, strlen(rounds_text));
	for (int i = 0; i < 1 + 3; i++)
		assert_int_equal(cursor_next(o.cursor, &op, &err), 0);
	assert_int_equal(cursor_last_round(o.cursor)->ends, 0);
	assert_int_equal(cursor_next(o.cursor, &op, &err), 0);
	assert_int_equal(cursor_last_round(o.cursor)->ends, 1);
	assert_int_equal(cursor_last_round(o.cursor)->round, 0);
	assert_int_equal(cursor_last_round(o.cursor)->stmt, 1);
	assert_false(cursor_last_round(o.cursor)->last);
	for (int i = 0; i < 3; i++)
		assert_int_equal(cursor_next(o.cursor, &op, &err), 0);
	assert_int_equal(op->code, OP_FORK);
	assert_int_equal(cursor_last_round(o.cursor)->ends, 2);
	assert_true(cursor_last_round(o.cursor)->last);
	walk(o.cursor, &last);
	assert_int_equal(last.ends, 3);
	assert_int_equal(last.stmt, 7);
	teardown(&o);
}

static void a_walk_can_begin_again_and_be_stretched(void **state)
{
	struct open_cursor o;
	struct prog_error err;
	struct cursor_round last;

	(void)state;
	setup(&o, rounds_text, strlen(rounds_text));
	assert_int_equal(walk(o.cursor, &last), 1 + 6 + 4 + 1);
	assert_int_equal(cursor_rewind(o.cursor, &err), 0);
	assert_int_equal(cursor_last_round(o.cursor)->ends, 0);
	assert_int_equal(walk(o.cursor, &last), 1 + 6 + 4 + 1);
	assert_int_equal(cursor_rewind(o.cursor, &err), 0);
	cursor_stretch(o.cursor, 4);
	assert_int_equal(walk(o.cursor, &last), 1 + 4 * 6 + 4 + 4);
	assert_int_equal(last.ends, 4 * 2 + 4);
	teardown(&o);
}

static void a_cursor_needs_its_memory(void **state)
{
	struct arena a;
	struct cursor *c;
	struct prog_error err;
	int fd = text_file("allocrig 1\n", 11);

	(void)state;
	assert_int_equal(arena_init(&a, 4096), 0);
	assert_int_equal(cursor_new(&a, fd, &c, &err), -ENOMEM);
	arena_release(&a);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_programs_are_unrolled),
		cmocka_unit_test(bodies_around_the_window_are_unrolled),
		cmocka_unit_test(loops_in_long_loops_are_unrolled),
		cmocka_unit_test(long_loops_in_long_loops_are_unrolled),
		cmocka_unit_test(long_bodies_that_never_run_are_passed),
		cmocka_unit_test(random_large_programs_are_unrolled),
		cmocka_unit_test(long_when_blocks_are_run_or_skipped),
		cmocka_unit_test(loops_without_an_op_end),
		cmocka_unit_test(a_block_can_be_skipped),
		cmocka_unit_test(a_forked_child_goes_on_by_itself),
		cmocka_unit_test(errors_come_through),
		cmocka_unit_test(rounds_of_outermost_loops_are_told),
		cmocka_unit_test(a_walk_can_begin_again_and_be_stretched),
		cmocka_unit_test(a_cursor_needs_its_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
