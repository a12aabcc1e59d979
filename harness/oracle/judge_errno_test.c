#include <errno.h>

#include "harness/oracle/oracle_testing.h"

#define BIG (UINT64_C(1) << 40) /* refused for a cause that the kernel gave */

struct failure {
	struct act act;
	enum finding_kind kind;
	enum finding_rule rule; /* RULE_NONE: nothing may be found */
};

static void judge_each(const struct failure *cases, size_t n)
{
	struct stage s;

	stage_start(&s);
	for (size_t i = 0; i < n; i++) {
		stage_act(&s, cases[i].act);
		if (cases[i].rule)
			assert_found(&s, cases[i].kind, cases[i].rule);
		else
			assert_clean(&s);
	}
	stage_end(&s);
}

#define JUDGE(cases) judge_each(cases, sizeof(cases) / sizeof((cases)[0]))
#define WRONG	     FINDING_WRONG_ERRNO, RULE_ERRNO_ON_FAILURE
#define RETURNED     FINDING_WRONG_ERRNO, RULE_ERRNO_RETURNED
#define FINE	     FINDING_OVERLAP, RULE_NONE
#define MEMALIGN(a, s, err)                                                                        \
	{                                                                                          \
		.code = OP_ALIGNED_ALLOC, .arg0 = (a), .arg1 = (s), .errno_after = (err),          \
		.cause = CAUSE_REFUSED                                                             \
	}
#define POSIX(a, s, err)                                                                           \
	{                                                                                          \
		.code = OP_POSIX_MEMALIGN, .arg0 = (a), .arg1 = (s), .result = (err),              \
		.cause = CAUSE_REFUSED                                                             \
	}

static void null_needs_enomem(void **state)
{
	static const struct failure cases[] = {
		{{.code = OP_MALLOC, .arg0 = BIG, .errno_after = ENOMEM, .cause = CAUSE_REFUSED},
		 FINE},
		{{.code = OP_MALLOC, .arg0 = BIG, .cause = CAUSE_REFUSED}, WRONG},
		{{.code = OP_MALLOC, .arg0 = BIG, .errno_after = EAGAIN, .cause = CAUSE_REFUSED},
		 WRONG},
		{{.code = OP_MALLOC, .arg0 = UINT64_MAX, .errno_after = ENOMEM}, FINE},
		{{.code = OP_MALLOC, .arg0 = UINT64_MAX, .errno_after = EINVAL}, WRONG},
		{{.code = OP_CALLOC, .arg0 = BIG, .arg1 = BIG, .errno_after = ENOMEM}, FINE},
		{{.code = OP_CALLOC, .arg0 = BIG, .arg1 = BIG}, WRONG},
		{{.code = OP_REALLOC, .arg0 = BIG, .errno_after = EINVAL, .cause = CAUSE_REFUSED},
		 WRONG},
		{{.code = OP_VALLOC, .arg0 = BIG, .errno_after = EINVAL, .cause = CAUSE_REFUSED},
		 WRONG},
		{{.code = OP_PVALLOC, .arg0 = UINT64_MAX, .errno_after = ENOMEM}, FINE},
	};

	(void)state;
	JUDGE(cases);
}

static void size_zero_may_be_null_with_any_errno(void **state)
{
	static const struct failure cases[] = {
		{{.code = OP_MALLOC, .errno_after = EINVAL}, FINE},
		{{.code = OP_MALLOC}, FINE},
		{{.code = OP_CALLOC, .arg0 = BIG, .arg1 = 0, .errno_after = EAGAIN}, FINE},
		{{.code = OP_REALLOC}, FINE},
		{{.code = OP_ALIGNED_ALLOC, .arg0 = 64}, FINE},
		{{.code = OP_POSIX_MEMALIGN, .arg0 = 64}, FINE},
		{{.code = OP_PVALLOC}, FINE},
	};

	(void)state;
	JUDGE(cases);
}

static void aligned_alloc_refusals(void **state)
{
	static const struct failure cases[] = {
		{MEMALIGN(3, 100, EINVAL), FINE},
		{MEMALIGN(0, 100, EINVAL), FINE},
		{MEMALIGN(3, 100, ENOMEM), WRONG},
		{MEMALIGN(3, 100, 0), WRONG},
		{MEMALIGN(3, PTRDIFF_MAX, ENOMEM), FINE},
		{MEMALIGN(3, BIG, ENOMEM), FINE},
		{MEMALIGN(3, PTRDIFF_MAX, EAGAIN), WRONG},
		{MEMALIGN(64, 128, ENOMEM), FINE},
		{MEMALIGN(64, 128, EINVAL), WRONG},
		{MEMALIGN(64, 100, EINVAL), FINE},
		{MEMALIGN(64, 100, ENOMEM), FINE},
		{MEMALIGN(64, 100, EAGAIN), WRONG},
		{MEMALIGN(UINT64_C(1) << 63, UINT64_C(1) << 63, EINVAL), FINE},
		{MEMALIGN(UINT64_C(1) << 62, UINT64_C(1) << 62, ENOMEM), FINE},
		{{.code = OP_MEMALIGN, .arg0 = 3, .arg1 = 10, .errno_after = EINVAL}, FINE},
		{{.code = OP_MEMALIGN, .arg0 = 3, .arg1 = 10, .errno_after = ENOMEM}, FINE},
		{{.code = OP_MEMALIGN, .arg0 = 3, .arg1 = 10}, WRONG},
	};

	(void)state;
	JUDGE(cases);
}

static void posix_memalign_returns_its_error(void **state)
{
	static const struct failure cases[] = {
		{POSIX(3, 100, EINVAL), FINE},
		{POSIX(4, 100, EINVAL), FINE},
		{POSIX(0, 100, EINVAL), FINE},
		{POSIX(0, 0, EINVAL), FINE},
		{POSIX(UINT64_MAX, 100, EINVAL), FINE},
		{POSIX(UINT64_MAX, 100, ENOMEM), RETURNED},
		{POSIX(3, 100, ENOMEM), RETURNED},
		{POSIX(3, UINT64_MAX, ENOMEM), FINE},
		{POSIX(64, BIG, ENOMEM), FINE},
		{POSIX(64, BIG, EINVAL), RETURNED},
		{POSIX(64, BIG, EAGAIN), RETURNED},
		{POSIX(64, BIG, -1), RETURNED},
		{POSIX(64, -UINT64_C(4096), ENOMEM), FINE},
		{POSIX(64, 100, 0), RETURNED}, /* said 0, gave NULL */
		{POSIX(UINT64_C(1) << 63, 1, EINVAL), FINE},
	};

	(void)state;
	JUDGE(cases);
}

static void posix_memalign_leaves_errno_and_memptr(void **state)
{
	struct stage s;
	struct act a = POSIX(64, 100, 0);

	(void)state;
	stage_start(&s);
	a.ret = s.pool;
	stage_act(&s, a);
	assert_clean(&s);
	stage_free(&s, 0);
	a.errno_after = ENOMEM;
	stage_act(&s, a);
	assert_found(&s, FINDING_ERRNO_CLOBBERED, RULE_ERRNO_POSIX_SUCCESS);
	stage_free(&s, 0);
	a.ret = NULL;
	a.result = ENOMEM;
	stage_act(&s, a);
	assert_found(&s, FINDING_ERRNO_CLOBBERED, RULE_ERRNO_POSIX_MEMALIGN);
	a.errno_after = 0;
	a.memptr_after = s.pool;
	stage_act(&s, a);
	assert_found(&s, FINDING_UNEXPECTED_RESULT, RULE_MEMPTR_CHANGED);
	stage_end(&s);
}

#define NO_CAUSE FINDING_NULL_WITHOUT_CAUSE, RULE_NULL_NO_CAUSE
#define GIB	 (UINT64_C(1) << 30)

static void null_needs_a_cause_up_to_one_gib(void **state)
{
	static const struct failure cases[] = {
		{{.code = OP_MALLOC, .arg0 = 1, .errno_after = ENOMEM}, NO_CAUSE},
		{{.code = OP_MALLOC, .arg0 = GIB, .errno_after = ENOMEM}, NO_CAUSE},
		{{.code = OP_MALLOC, .arg0 = GIB + 1, .errno_after = ENOMEM}, FINE},
		{{.code = OP_MALLOC, .arg0 = 1, .errno_after = ENOMEM, .cause = CAUSE_REFUSED},
		 FINE},
		{{.code = OP_MALLOC, .arg0 = 1, .errno_after = ENOMEM, .cause = CAUSE_UNKNOWN},
		 FINE},
		{{.code = OP_CALLOC, .arg0 = 1024, .arg1 = 1024, .errno_after = ENOMEM}, NO_CAUSE},
		{{.code = OP_REALLOC, .arg0 = 8, .errno_after = ENOMEM}, NO_CAUSE},
		{{.code = OP_ALIGNED_ALLOC,
		  .arg0 = GIB / 2,
		  .arg1 = GIB / 2,
		  .errno_after = ENOMEM},
		 NO_CAUSE},
		{{.code = OP_ALIGNED_ALLOC, .arg0 = GIB, .arg1 = GIB, .errno_after = ENOMEM}, FINE},
		{{.code = OP_ALIGNED_ALLOC, .arg0 = 64, .arg1 = 100, .errno_after = ENOMEM}, FINE},
		{{.code = OP_ALIGNED_ALLOC, .arg0 = 3, .arg1 = 99, .errno_after = EINVAL}, FINE},
		{{.code = OP_MEMALIGN, .arg0 = 3, .arg1 = 99, .errno_after = EINVAL}, FINE},
		{{.code = OP_POSIX_MEMALIGN, .arg0 = 64, .arg1 = 99, .result = ENOMEM}, NO_CAUSE},
		{{.code = OP_POSIX_MEMALIGN, .arg0 = 3, .arg1 = 99, .result = EINVAL}, FINE},
		{{.code = OP_VALLOC, .arg0 = GIB - 4096, .errno_after = ENOMEM}, NO_CAUSE},
		{{.code = OP_VALLOC, .arg0 = GIB, .errno_after = ENOMEM}, FINE},
		{{.code = OP_MALLOC, .arg0 = 0, .errno_after = ENOMEM}, FINE},
	};

	(void)state;
	JUDGE(cases);
}

static void free_keeps_errno(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	stage_act(&s, (struct act){.code = OP_FREE});
	assert_clean(&s);
	stage_act(&s, (struct act){.code = OP_FREE, .errno_after = EINVAL}); /* free(NULL) */
	assert_found(&s, FINDING_ERRNO_CLOBBERED, RULE_ERRNO_FREE);
	stage_malloc(&s, 0, s.pool, 10);
	stage_act(&s, (struct act){.code = OP_FREE, .errno_after = ENOMEM});
	struct finding f = assert_found(&s, FINDING_ERRNO_CLOBBERED, RULE_ERRNO_FREE);

	assert_int_equal(f.n[0], 0);
	assert_int_equal(f.n[1], ENOMEM);
	stage_end(&s);
}

static void trim_returns_0_or_1(void **state)
{
	static const struct failure cases[] = {
		{{.code = OP_TRIM, .result = 0}, FINE},
		{{.code = OP_TRIM, .result = 1}, FINE},
		{{.code = OP_TRIM, .result = -1}, FINDING_UNEXPECTED_RESULT, RULE_TRIM_RESULT},
		{{.code = OP_TRIM, .result = 2}, FINDING_UNEXPECTED_RESULT, RULE_TRIM_RESULT},
	};

	(void)state;
	JUDGE(cases);
}

static void outcomes_are_compared(void **state)
{
	struct op op = {.code = OP_MUNMAP, .space = SPACE_MAP};
	struct call_event e = {.op = &op, .slot = 7};
	struct stage s;
	char text[512];

	(void)state;
	stage_start(&s);
	oracle_outcome(&e, ENOMEM, &s.sink); /* nothing was said */
	op.outcomes = (struct outcomes){.present = 1, .ok = 1, .nerr = 1, .err = {ENOMEM}};
	oracle_outcome(&e, 0, &s.sink);
	oracle_outcome(&e, ENOMEM, &s.sink);
	assert_clean(&s);
	oracle_outcome(&e, OUTCOME_NO_ERRNO, &s.sink);
	assert_clean(&s);
	oracle_outcome(&e, -1, &s.sink); /* as a posix_memalign may return */
	assert_found(&s, FINDING_UNEXPECTED_RESULT, RULE_OUTCOME);
	oracle_outcome(&e, EINVAL, &s.sink);
	struct finding f = assert_found(&s, FINDING_UNEXPECTED_RESULT, RULE_OUTCOME);

	assert_true(finding_message(&f, text, sizeof(text)) > 0);
	assert_string_equal(text, "munmap on m[7] failed with EINVAL, allowed: ok|ENOMEM");
	op.outcomes = (struct outcomes){.present = 1, .nerr = 2, .err = {EINVAL, EEXIST}};
	oracle_outcome(&e, 0, &s.sink);
	f = assert_found(&s, FINDING_UNEXPECTED_RESULT, RULE_OUTCOME);
	assert_true(finding_message(&f, text, sizeof(text)) > 0);
	assert_string_equal(text, "munmap on m[7] succeeded, allowed: EINVAL|EEXIST");
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(null_needs_enomem),
		cmocka_unit_test(size_zero_may_be_null_with_any_errno),
		cmocka_unit_test(aligned_alloc_refusals),
		cmocka_unit_test(posix_memalign_returns_its_error),
		cmocka_unit_test(posix_memalign_leaves_errno_and_memptr),
		cmocka_unit_test(null_needs_a_cause_up_to_one_gib),
		cmocka_unit_test(free_keeps_errno),
		cmocka_unit_test(trim_returns_0_or_1),
		cmocka_unit_test(outcomes_are_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
