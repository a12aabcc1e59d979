#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/cli/answer.h"
#include "harness/oracle/model.h"

#define CALLS 4

/* A run whose op log a test fills: statement 0 is noise, statement 1 answers. */
struct logged {
	struct run_result r;
};

static struct logged run_with(const struct oplog_entry *calls, size_t n)
{
	struct logged l = {.r.end = RUN_END_NORMAL};

	l.r.shared = calloc(1, sizeof(*l.r.shared) + (n + 1) * sizeof(*calls));
	assert_non_null(l.r.shared);
	l.r.shared->oplog[0] = (struct oplog_entry){.stmt = 0, .address = 0x1001, .err = ENOSYS};
	for (size_t i = 0; i < n; i++) {
		l.r.shared->oplog[i + 1] = calls[i];
		l.r.shared->oplog[i + 1].stmt = 1;
	}
	atomic_store(&l.r.shared->oplog_used, n + 1);
	return l;
}

static void assert_answer(enum answer_form form, const struct oplog_entry *calls, size_t n,
			  const char *wanted)
{
	struct logged l = run_with(calls, n);

	assert_string_equal(answer_measure(&l.r, form, 1).s, wanted);
	free(l.r.shared);
}

static void each_form_has_its_words(void **state)
{
	static const struct {
		enum answer_form form;
		struct oplog_entry call;
		const char *wanted;
	} c[] = {
		{ANSWER_ZERO, {.address = 16}, "pointer"},
		{ANSWER_ZERO, {.err = 0}, "null"},
		{ANSWER_ZERO, {.err = ENOMEM}, "null-ENOMEM"},
		{ANSWER_ZERO, {.err = 4000}, "errno-4000"},
		{ANSWER_REALLOC_ZERO, {.err = 0}, "frees"},
		{ANSWER_REALLOC_ZERO, {.address = 16}, "frees-block"},
		{ANSWER_REALLOC_ZERO, {.err = EINVAL}, "kept-EINVAL"},
		{ANSWER_CALL, {.address = 16}, "accepted"},
		{ANSWER_CALL, {.err = EINVAL}, "EINVAL"},
		{ANSWER_CALL, {.err = OUTCOME_NO_ERRNO}, "null"},
		{ANSWER_USABLE, {.address = 16, .usable = 4104}, "usable-4104"},
		{ANSWER_USABLE, {.address = 16, .usable = UINT64_MAX}, "accepted"},
		{ANSWER_USABLE, {.err = ENOMEM}, "ENOMEM"},
		{ANSWER_ROUNDING, {.err = EINVAL}, "EINVAL"},
		{ANSWER_ROUNDING, {.address = 0x5000}, "rounded-4096"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++)
		assert_answer(c[i].form, &c[i].call, 1, c[i].wanted);
}

static void the_common_alignment_is_that_of_all_blocks(void **state)
{
	static const struct oplog_entry calls[CALLS] = {
		{.address = 0x1000}, {.address = 0x1040}, {.address = 0x2080}, {.address = 0x4100}};

	(void)state;
	assert_answer(ANSWER_ROUNDING, calls, CALLS, "rounded-64");
	assert_answer(ANSWER_ROUNDING, calls, 1, "rounded-4096");
}

static void calls_that_differ_are_mixed(void **state)
{
	static const struct oplog_entry calls[] = {{.address = 16}, {.err = ENOMEM}};

	(void)state;
	assert_answer(ANSWER_ZERO, calls, 2, "mixed");
	assert_answer(ANSWER_ROUNDING, calls, 2, "mixed");
	assert_true(answer_is_given("mixed"));
}

static void what_did_not_answer_is_told_apart(void **state)
{
	static const struct oplog_entry calls[] = {{.address = 16}};
	struct logged l = run_with(calls, 0);
	struct run_result nothing = {.end = RUN_END_BROKEN};

	(void)state;
	assert_string_equal(answer_measure(&l.r, ANSWER_ZERO, 1).s, "not-measured");
	l.r.shared->counts.absent[OP_PVALLOC] = 1;
	assert_string_equal(answer_measure(&l.r, ANSWER_ZERO, 1).s, "absent");
	l.r.end = RUN_END_CRASHED;
	assert_string_equal(answer_measure(&l.r, ANSWER_ZERO, 1).s, "crash");
	free(l.r.shared);
	/* A crash behind the answer leaves it in doubt. */
	l = run_with(calls, 1);
	l.r.end = RUN_END_HUNG;
	assert_string_equal(answer_measure(&l.r, ANSWER_ZERO, 1).s, "crash");
	free(l.r.shared);
	assert_string_equal(answer_measure(&nothing, ANSWER_ZERO, 1).s, "not-measured");
	assert_true(answer_is_given("absent"));
	assert_false(answer_is_given("crash") || answer_is_given("not-measured") ||
		     answer_is_given(""));
}

static void people_read_words(void **state)
{
	static const char *const c[][2] = {
		{"pointer", "pointer"},
		{"null", "null, errno kept"},
		{"null-ENOMEM", "null, ENOMEM"},
		{"frees", "frees, null, errno kept"},
		{"frees-block", "frees, returns a block of size 0"},
		{"kept-EINVAL", "null, EINVAL, block kept"},
		{"accepted", "accepted"},
		{"EINVAL", "refused, EINVAL"},
		{"rounded-64", "accepted, aligned to 64"},
		{"usable-4096", "usable 4096"},
		{"absent", "no such function"},
		{"crash", "crash"},
		{"errno-4000", "errno 4000"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++)
		assert_string_equal(answer_words(c[i][0]).s, c[i][1]);
}

static void forms_are_named(void **state)
{
	(void)state;
	assert_int_equal(answer_form_by_name("realloc-zero"), ANSWER_REALLOC_ZERO);
	assert_int_equal(answer_form_by_name("usable"), ANSWER_USABLE);
	assert_int_equal(answer_form_by_name("Zero"), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_has_its_words),
		cmocka_unit_test(the_common_alignment_is_that_of_all_blocks),
		cmocka_unit_test(calls_that_differ_are_mixed),
		cmocka_unit_test(what_did_not_answer_is_told_apart),
		cmocka_unit_test(people_read_words),
		cmocka_unit_test(forms_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
