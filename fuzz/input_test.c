/* Inputs as texts, their budgets, and texts joined into one. */
#include "fuzz/input.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuzz/budget.h"
#include "harness/prog/program.h"
#include "harness/prog/wire.h"

#define V "allocrig 1\n"

static int begin(void **state)
{
	return input_new(INPUT_ALLOCATOR, 0, (struct input **)state);
}

static int end(void **state)
{
	input_free(*state);
	return 0;
}

static struct input_text text_of(const char *text)
{
	return (struct input_text){.text = text, .len = strlen(text)};
}

static void joined_texts_give_everything_back(void **state)
{
	const struct input_text texts[] = {
		text_of(V "malloc b[3] 24\nmmap m[0:4] 4K rw private,anon\n"),
		text_of(V "repeat 2 {\n  malloc b[0:9:2] 64\n}\n"),
	};
	struct input_text joined;

	assert_int_equal(input_join(*state, &(struct input_join){texts, 2, false}, &joined), 0);
	assert_string_equal(joined.text, V "malloc b[3] 24\nmmap m[0:4] 4K rw private,anon\n"
					   "free b[0:4]\nmunmap m[0:4]\n"
					   "repeat 2 {\n  malloc b[0:9:2] 64\n}\n");
	assert_false(joined.by_chance);
	assert_int_equal(input_join(*state, &(struct input_join){texts + 1, 1, true}, &joined), 0);
	assert_string_equal(joined.text, V "repeat 2 {\n  malloc b[0:9:2] 64\n}\nfree b[0:9]\n");
	assert_int_equal(strlen(joined.text), joined.len);
}

static void headers_hold_for_all_or_go(void **state)
{
	const struct input_text texts[] = {
		text_of(V "ballast 40\nmalloc b[0] 1\n"),
		text_of(V "malloc b[0] 1\n"),
		text_of(V "fault munmap ENOMEM\nmalloc b[0] 1\n"),
	};
	const struct input_text same[] = {texts[0], texts[0]};
	const char *plain = V "malloc b[0] 1\nfree b[0:1]\nmalloc b[0] 1\n";
	struct input_text joined;

	assert_int_equal(input_join(*state, &(struct input_join){texts, 2, false}, &joined), 0);
	assert_string_equal(joined.text, plain);
	assert_int_equal(input_join(*state, &(struct input_join){texts + 1, 2, false}, &joined), 0);
	assert_string_equal(joined.text, plain);
	assert_int_equal(input_join(*state, &(struct input_join){same, 2, false}, &joined), 0);
	assert_true(joined.ballast);
	/* A single one keeps its refusals. */
	assert_int_equal(input_join(*state, &(struct input_join){texts + 2, 1, true}, &joined), 0);
	assert_string_equal(joined.text, V "fault munmap ENOMEM\nmalloc b[0] 1\nfree b[0:1]\n");
}

static void what_is_no_program_is_not_joined(void **state)
{
	const struct input_text texts[] = {text_of(V "malloc b[0] 1\n"), text_of("free\n")};
	struct input_text joined;

	assert_int_equal(input_join(*state, &(struct input_join){texts, 2, false}, &joined),
			 -EINVAL);
}

/* One block op over many slots, on the wire. */
static size_t wide(uint8_t *buf, size_t size)
{
	struct op op = {.code = OP_MALLOC,
			.space = SPACE_BLOCK,
			.slice = {.stop = 60000, .step = 1},
			.arg0 = 8};
	struct program p = {.ops = &op, .nops = 1, .max_ops = 1};
	size_t len = 0;

	assert_int_equal(wire_encode(&p, buf, size, &len), 0);
	return len;
}

static void inputs_say_how_much_they_ask_for(void **state)
{
	uint8_t buf[512];
	struct input_text text;
	size_t len = wide(buf, sizeof(buf));

	assert_int_equal(budget_of(len), BUDGET_LITTLE);
	assert_int_equal(input_decode(*state, buf, len, &text), 0);
	assert_string_equal(text.text, V "malloc b[0:320] 8\n");
	for (unsigned b = BUDGET_LITTLE; b < BUDGETS; b++) {
		size_t marked = budget_mark(buf, len, sizeof(buf), b);

		assert_int_equal(budget_of(marked), b);
		assert_int_equal(budget_strip(marked), len);
	}
	assert_int_equal(budget_mark(buf, len, len + 14, BUDGET_ALL), len);
	assert_int_equal(
		input_decode(*state, buf, budget_mark(buf, len, sizeof(buf), BUDGET_ALL), &text),
		0);
	assert_string_equal(text.text, V "malloc b[0:60000] 8\n");
}

static void long_programs_take_their_share(void **state)
{
	(void)state;
	struct budget_account a = {0};
	unsigned chosen[BUDGETS] = {0};

	for (unsigned i = 0; i < 100000; i++) {
		enum budget b = budget_choose(&a, BUDGET_ALL, i * 2654435761u);

		chosen[b]++;
		budget_count(&a, b,
			     &(struct budget_cost){.ops = b == BUDGET_ALL    ? 100000
							  : b == BUDGET_PART ? 5000
									     : 50});
	}
	assert_true(chosen[BUDGET_LITTLE] > 90000);
	assert_true(chosen[BUDGET_ALL] > 10);
	assert_true(a.ops[BUDGET_ALL] <= a.ops[BUDGET_LITTLE]);
}

static void every_input_is_a_program(void **state)
{
	uint64_t random = 88172645463325252u;
	uint8_t bytes[600];
	struct input_text text;

	for (int i = 0; i < 2000; i++) {
		for (size_t at = 0; at < sizeof(bytes); at++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			bytes[at] = (uint8_t)random;
		}
		assert_int_equal(input_decode(*state, bytes, random % sizeof(bytes), &text), 0);
		assert_int_equal(strncmp(text.text, V, strlen(V)), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(joined_texts_give_everything_back, begin, end),
		cmocka_unit_test_setup_teardown(headers_hold_for_all_or_go, begin, end),
		cmocka_unit_test_setup_teardown(what_is_no_program_is_not_joined, begin, end),
		cmocka_unit_test_setup_teardown(inputs_say_how_much_they_ask_for, begin, end),
		cmocka_unit_test(long_programs_take_their_share),
		cmocka_unit_test_setup_teardown(every_input_is_a_program, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
