#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness/cli/sweep_tally.h"

static struct sweep_report report;

static void begin(enum outcome outcome, uint64_t injected, int64_t lost_bytes)
{
	report = (struct sweep_report){
		.outcome = outcome, .injected = injected, .lost_bytes = lost_bytes};
}

static void found(enum finding_kind kind, const char *signature, bool known)
{
	struct sweep_finding *f = &report.finding[report.nfindings++];

	f->kind = (uint8_t)kind;
	f->known = known;
	snprintf(f->signature, sizeof(f->signature), "%s", signature);
}

static struct sweep_tally tally_behind(const char *old_signature)
{
	struct sweep_tally t;

	begin(OUTCOME_FINDING, 0, 0);
	if (old_signature)
		found(FINDING_CRASH, old_signature, false);
	assert_int_equal(sweep_tally_init(&t, &report), 0);
	return t;
}

static void add(struct sweep_tally *t, uint64_t nth)
{
	assert_int_equal(sweep_tally_add(t, nth, &report), 0);
}

static void nothing_new_is_handled(void **state)
{
	struct sweep_tally t = tally_behind("crash/old");

	(void)state;
	begin(OUTCOME_CLEAN, 1, 0);
	add(&t, 1);
	begin(OUTCOME_FINDING, 3, 0);
	found(FINDING_CRASH, "crash/old", false);
	add(&t, 2);
	assert_int_equal(t.tried, 2);
	assert_int_equal(t.handled, 2);
	assert_int_equal(t.crashed, 0);
	assert_int_equal(t.nwrong, 0);
	sweep_tally_release(&t);
}

static void a_call_that_never_came_is_not_handled(void **state)
{
	struct sweep_tally t = tally_behind(NULL);

	(void)state;
	begin(OUTCOME_CLEAN, 0, 0);
	add(&t, 1);
	assert_int_equal(t.handled, 0);
	assert_int_equal(t.not_met, 1);
	sweep_tally_release(&t);
}

static void losses_are_added_up(void **state)
{
	struct sweep_tally t = tally_behind(NULL);

	(void)state;
	for (uint64_t i = 1; i <= 3; i++) {
		begin(OUTCOME_FINDING, 1, (int64_t)(1000 * i));
		found(FINDING_LOST_MAPPING, "lost-mapping/free/munmap", false);
		add(&t, 10 * i);
	}
	assert_int_equal(t.lost, 3);
	assert_int_equal(t.lost_worst_bytes, 3000);
	assert_int_equal(t.lost_total_bytes, 6000);
	assert_int_equal(t.handled, 0);
	assert_int_equal(t.nwrong, 1);
	assert_int_equal(t.wrong[0].first, 10);
	assert_int_equal(t.wrong[0].runs, 3);
	sweep_tally_release(&t);
}

static void a_run_counts_under_each_head_once(void **state)
{
	struct sweep_tally t = tally_behind(NULL);

	(void)state;
	begin(OUTCOME_FINDING, 1, 4096);
	found(FINDING_LOST_MAPPING, "lost", false);
	found(FINDING_CRASH, "crash", false);
	found(FINDING_OVERLAP, "overlap", false);
	found(FINDING_CORRUPTED, "corrupted", false);
	found(FINDING_CORRUPTED, "corrupted", false);
	found(FINDING_WRONG_ERRNO, "errno", false);
	add(&t, 1);
	assert_int_equal(t.tried, 1);
	assert_int_equal(t.lost, 1);
	assert_int_equal(t.crashed, 1);
	assert_int_equal(t.content, 1);
	assert_int_equal(t.other, 1);
	assert_int_equal(t.handled, 0);
	assert_int_equal(t.nwrong, 5);
	for (size_t i = 0; i < t.nwrong; i++)
		assert_int_equal(t.wrong[i].runs, 1);
	sweep_tally_release(&t);
}

static void each_kind_has_its_head(void **state)
{
	static const struct {
		enum finding_kind kind;
		size_t head; /* offset of the counter */
	} kinds[] = {
		{FINDING_CRASH, offsetof(struct sweep_tally, crashed)},
		{FINDING_FORK_BROKEN, offsetof(struct sweep_tally, crashed)},
		{FINDING_HANG, offsetof(struct sweep_tally, hung)},
		{FINDING_OVERLAP, offsetof(struct sweep_tally, content)},
		{FINDING_LOST_CONTENT, offsetof(struct sweep_tally, content)},
		{FINDING_DIRTY_ZERO, offsetof(struct sweep_tally, content)},
		{FINDING_SHORT_USABLE, offsetof(struct sweep_tally, content)},
		{FINDING_ERRNO_CLOBBERED, offsetof(struct sweep_tally, other)},
		{FINDING_EXPECTATION, offsetof(struct sweep_tally, other)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct sweep_tally t = tally_behind(NULL);

		begin(OUTCOME_FINDING, 1, 0);
		found(kinds[i].kind, "one", false);
		add(&t, 1);
		assert_int_equal(*(uint64_t *)((char *)&t + kinds[i].head), 1);
		assert_int_equal(t.crashed + t.hung + t.content + t.other, 1);
		sweep_tally_release(&t);
	}
}

static void known_findings_stand_apart(void **state)
{
	struct sweep_tally t = tally_behind(NULL);

	(void)state;
	begin(OUTCOME_CLEAN, 1, 4096);
	found(FINDING_LOST_MAPPING, "lost", true);
	add(&t, 1);
	assert_int_equal(t.known, 1);
	assert_int_equal(t.lost, 0);
	assert_int_equal(t.lost_total_bytes, 0);
	assert_int_equal(t.handled, 0);
	assert_int_equal(t.nwrong, 1);
	sweep_tally_release(&t);
}

static void broken_runs_say_nothing(void **state)
{
	struct sweep_tally t = tally_behind(NULL);

	(void)state;
	begin(OUTCOME_BROKEN, 1, 4096);
	found(FINDING_CRASH, "crash", false);
	snprintf(report.reason, sizeof(report.reason), "first");
	add(&t, 1);
	begin(OUTCOME_UNSUPPORTED, 1, 0);
	snprintf(report.reason, sizeof(report.reason), "second");
	add(&t, 2);
	assert_int_equal(t.tried, 2);
	assert_int_equal(t.broken, 1);
	assert_int_equal(t.unsupported, 1);
	assert_int_equal(t.handled + t.crashed + t.not_met, 0);
	assert_string_equal(t.reason, "first");
	sweep_tally_release(&t);
}

/* A run with an expectation that was not met, a known loss, and whatever `rule` is. */
static void report_run(uint64_t nulls, enum finding_rule rule, bool strict)
{
	static struct run_shared shared;
	static const struct known known;
	struct finding finding[] = {
		{.kind = FINDING_EXPECTATION, .rule = RULE_EXPECT},
		{.kind = FINDING_LOST_MAPPING, .rule = RULE_LOST_MAPPING},
		{.kind = FINDING_UNEXPECTED_RESULT, .rule = (uint8_t)rule},
	};
	struct outcome_of_run r = {
		.result.shared = &shared,
		.in.strict = strict,
		.verdict = {.outcome = OUTCOME_FINDING, .nfindings = 3, .nknown = 1},
	};

	shared.counts.null_at_refusal = nulls;
	for (int i = 0; i < 3; i++)
		r.verdict.finding[i].finding = &finding[i];
	r.verdict.finding[1].known = &known;
	sweep_report_of(&r, &report);
}

static void without_memory_nothing_is_expected(void **state)
{
	struct sweep_tally t = tally_behind(NULL);

	(void)state;
	report_run(1, RULE_OUTCOME, false);
	assert_int_equal(report.unmet, 2);
	assert_int_equal(report.nfindings, 1);
	assert_int_equal(report.finding[0].kind, FINDING_LOST_MAPPING);
	assert_int_equal(report.outcome, OUTCOME_CLEAN);
	add(&t, 1);
	assert_int_equal(t.unmet, 1);
	assert_int_equal(t.other, 0);
	assert_int_equal(t.known, 1);
	report_run(1, RULE_OUTCOME, true);
	assert_int_equal(report.outcome, OUTCOME_FINDING);
	sweep_tally_release(&t);
}

static void what_is_the_allocators_fault_stays(void **state)
{
	(void)state;
	report_run(0, RULE_OUTCOME, false);
	assert_int_equal(report.unmet, 0);
	assert_int_equal(report.nfindings, 3);
	assert_int_equal(report.outcome, OUTCOME_FINDING);
	report_run(1, RULE_TRIM_RESULT, false);
	assert_int_equal(report.unmet, 1);
	assert_int_equal(report.nfindings, 2);
	assert_int_equal(report.outcome, OUTCOME_FINDING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_new_is_handled),
		cmocka_unit_test(a_call_that_never_came_is_not_handled),
		cmocka_unit_test(losses_are_added_up),
		cmocka_unit_test(a_run_counts_under_each_head_once),
		cmocka_unit_test(each_kind_has_its_head),
		cmocka_unit_test(known_findings_stand_apart),
		cmocka_unit_test(broken_runs_say_nothing),
		cmocka_unit_test(without_memory_nothing_is_expected),
		cmocka_unit_test(what_is_the_allocators_fault_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
