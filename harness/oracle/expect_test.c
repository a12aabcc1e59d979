#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/oracle/expect.h"

static enum verdict judge(enum relation relation, int64_t wanted, int64_t value,
			  enum certainty certainty)
{
	struct op_expect x = {.relation = relation, .value = wanted};
	struct measured m = {.value = value, .certainty = certainty};

	return expect_judge(&x, &m);
}

static void exact_numbers(void **state)
{
	/* What each relation says of a value below, at and above the wanted one. */
	static const enum verdict want[][3] = {
		[REL_EQ] = {VERDICT_FAILS, VERDICT_HOLDS, VERDICT_FAILS},
		[REL_NE] = {VERDICT_HOLDS, VERDICT_FAILS, VERDICT_HOLDS},
		[REL_LT] = {VERDICT_HOLDS, VERDICT_FAILS, VERDICT_FAILS},
		[REL_LE] = {VERDICT_HOLDS, VERDICT_HOLDS, VERDICT_FAILS},
		[REL_GT] = {VERDICT_FAILS, VERDICT_FAILS, VERDICT_HOLDS},
		[REL_GE] = {VERDICT_FAILS, VERDICT_HOLDS, VERDICT_HOLDS},
	};

	(void)state;
	for (unsigned r = REL_EQ; r <= REL_GE; r++)
		for (int i = 0; i < 3; i++)
			for (int64_t at = -2; at <= 2; at += 2)
				assert_int_equal(judge(r, at, at + i - 1, CERTAIN_EXACT),
						 want[r][i]);
	assert_int_equal(judge(REL_LT, INT64_MAX, INT64_MIN, CERTAIN_EXACT), VERDICT_HOLDS);
}

static void lower_bounds(void **state)
{
	const enum verdict open = VERDICT_UNDECIDED;
	const enum verdict want[][3] = {
		[REL_EQ] = {open, open, VERDICT_FAILS},
		[REL_NE] = {open, open, VERDICT_HOLDS},
		[REL_LT] = {open, VERDICT_FAILS, VERDICT_FAILS},
		[REL_LE] = {open, open, VERDICT_FAILS},
		[REL_GT] = {open, open, VERDICT_HOLDS},
		[REL_GE] = {open, VERDICT_HOLDS, VERDICT_HOLDS},
	};

	(void)state;
	for (unsigned r = REL_EQ; r <= REL_GE; r++)
		for (int i = 0; i < 3; i++)
			assert_int_equal(judge(r, 5, 5 + i - 1, CERTAIN_AT_LEAST), want[r][i]);
}

static void what_was_not_measured_is_undecided(void **state)
{
	(void)state;
	for (unsigned r = REL_EQ; r <= REL_GE; r++)
		assert_int_equal(judge(r, 0, 0, CERTAIN_NOTHING), VERDICT_UNDECIDED);
}

static void assert_says(const struct op_expect *x, struct measured m, const char *message,
			const char *signature)
{
	struct op op = {.code = OP_EXPECT, .stmt = 12, .thread = 1, .expect = *x};
	struct finding f;
	char text[512];

	expect_finding(&op, &m, &f);
	assert_int_equal(f.kind, FINDING_EXPECTATION);
	assert_int_equal(f.stmt, 12);
	assert_true(finding_message(&f, text, sizeof(text)) > 0);
	assert_string_equal(text, message);
	assert_true(finding_signature(&f, text, sizeof(text)) > 0);
	assert_string_equal(text, signature);
}

static void the_finding_says_both_numbers(void **state)
{
	(void)state;
	assert_says(&(struct op_expect){.metric = METRIC_MAPS_PEAK, .relation = REL_LE, .value = 3},
		    (struct measured){.value = 5}, "expected maps.peak <= 3, measured 5",
		    "expectation/expect/maps.peak");
	assert_says(&(struct op_expect){.metric = METRIC_CALL_FAILED,
					.call = KCALL_MUNMAP,
					.relation = REL_EQ},
		    (struct measured){.value = 7, .certainty = CERTAIN_AT_LEAST},
		    "expected munmap.failed == 0, measured at least 7",
		    "expectation/expect/munmap.failed");
	assert_says(&(struct op_expect){.metric = METRIC_RSS, .relation = REL_GT, .value = -1},
		    (struct measured){.value = -4096}, "expected rss > -1, measured -4096",
		    "expectation/expect/rss");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_numbers),
		cmocka_unit_test(lower_bounds),
		cmocka_unit_test(what_was_not_measured_is_undecided),
		cmocka_unit_test(the_finding_says_both_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
