/* Which outcomes on two allocators are told apart, and which they may choose. */
#include "fuzz/difference.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "harness/oracle/model.h"

#define MALLOC(number, bytes)                                                                      \
	{                                                                                          \
		.code = OP_MALLOC, .space = SPACE_BLOCK, .stmt = (number), .arg0 = (bytes)         \
	}
#define ENTRY(number, at, result)                                                                  \
	{                                                                                          \
		.stmt = (number), .slot = (at), .err = (result)                                    \
	}

static struct difference found;

static bool compare(const struct op *ops, size_t nops, const struct oplog_entry *a, uint64_t na,
		    const struct oplog_entry *b, uint64_t nb)
{
	const struct difference_side side[2] = {{.log = a, .n = na, .room = 100},
						{.log = b, .n = nb, .room = 100}};

	memset(&found, 0, sizeof(found));
	return difference_find(&(struct difference_ops){ops, nops}, side, &found);
}

static const char *signature(void)
{
	static char buf[128];

	difference_signature(&found, buf, sizeof(buf));
	return buf;
}

static void one_succeeds_and_one_fails(void **state)
{
	(void)state;
	const struct op ops[] = {MALLOC(0, 24), MALLOC(1, 64)};
	const struct oplog_entry a[] = {ENTRY(0, 3, 0), ENTRY(1, 4, 0)};
	const struct oplog_entry b[] = {ENTRY(0, 3, 0), ENTRY(1, 4, ENOMEM)};
	const struct oplog_entry c[] = {ENTRY(0, 3, 0), ENTRY(1, 4, OUTCOME_NO_ERRNO)};

	assert_false(compare(ops, 2, a, 2, a, 2));
	assert_true(compare(ops, 2, a, 2, b, 2));
	assert_int_equal(found.stmt, 1);
	assert_int_equal(found.slot, 4);
	assert_string_equal(signature(), "difference/malloc/ok-ENOMEM");
	assert_true(compare(ops, 2, c, 2, a, 2));
	assert_string_equal(signature(), "difference/malloc/failed-ok");
	/* The errno is the oracles' to judge where it is missing. */
	assert_false(compare(ops, 2, b, 2, c, 2));
}

static void what_the_kernel_refused_is_not_told(void **state)
{
	(void)state;
	const struct op ops[] = {MALLOC(0, 24), MALLOC(1, UINT64_C(1) << 30)};
	const struct oplog_entry a[] = {ENTRY(0, 3, 0), ENTRY(1, 4, 0)};
	const struct oplog_entry b[] = {ENTRY(0, 3, 0), ENTRY(1, 4, ENOMEM)};
	const struct oplog_entry c[] = {ENTRY(0, 3, ENOMEM)};
	const struct difference_side side[2] = {{.log = a, .n = 2, .room = 9},
						{.log = c, .n = 1, .room = 9, .refused = true}};

	assert_false(compare(ops, 2, a, 2, b, 2));
	assert_false(difference_find(&(struct difference_ops){ops, 2}, side, &found));
}

static void size_zero_is_a_choice(void **state)
{
	(void)state;
	const struct op ops[] = {MALLOC(0, 0), MALLOC(1, 8), MALLOC(2, 8)};
	const struct oplog_entry a[] = {ENTRY(0, 0, 0), ENTRY(2, 1, 0)};
	const struct oplog_entry b[] = {ENTRY(0, 0, EINVAL), ENTRY(1, 0, 0), ENTRY(2, 1, 0)};
	const struct oplog_entry c[] = {ENTRY(0, 0, 0), ENTRY(2, 1, ENOMEM)};

	/* The slot is full on one side alone from then on. */
	assert_false(compare(ops, 3, a, 2, b, 3));
	assert_true(compare(ops, 3, c, 2, b, 3));
	assert_string_equal(signature(), "difference/malloc/ENOMEM-ok");
}

static void profiles_that_agree_are_held_to_it(void **state)
{
	(void)state;
	const struct op ops[] = {MALLOC(0, 0)};
	const struct oplog_entry a[] = {ENTRY(0, 0, 0)}, b[] = {ENTRY(0, 0, ENOMEM)};
	struct profile_answer pointer = {.rule = (char *)"malloc-zero", .value = (char *)"pointer"};
	struct profile_answer null = {.rule = (char *)"malloc-zero", .value = (char *)"null"};
	const struct profile p = {.nanswers = 1, .answer = &pointer},
			     q = {.nanswers = 1, .answer = &null};
	struct difference_side side[2] = {{.log = a, .n = 1, .room = 9, .profile = &p},
					  {.log = b, .n = 1, .room = 9, .profile = &p}};

	assert_true(difference_find(&(struct difference_ops){ops, 1}, side, &found));
	side[1].profile = &q;
	assert_false(difference_find(&(struct difference_ops){ops, 1}, side, &found));
}

static void alignments(void **state)
{
	(void)state;
	const struct {
		uint8_t code;
		uint64_t align, size;
		bool told;
	} cases[] = {
		{OP_ALIGNED_ALLOC, 16, 32, true},   {OP_ALIGNED_ALLOC, 16, 33, false},
		{OP_ALIGNED_ALLOC, 3, 33, false},   {OP_ALIGNED_ALLOC, 0, 32, false},
		{OP_MEMALIGN, 64, 33, true},	    {OP_MEMALIGN, 48, 33, false},
		{OP_POSIX_MEMALIGN, 3, 33, true},   {OP_POSIX_MEMALIGN, 4, 64, true},
		{OP_MEMALIGN, 1u << 31, 33, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct op op = {.code = cases[i].code,
				      .space = SPACE_BLOCK,
				      .arg0 = cases[i].align,
				      .arg1 = cases[i].size};
		const struct oplog_entry a[] = {ENTRY(0, 0, 0)}, b[] = {ENTRY(0, 0, EINVAL)};

		assert_int_equal(compare(&op, 1, a, 1, b, 1), cases[i].told);
	}
}

static void what_one_left_out_is_told(void **state)
{
	(void)state;
	const struct op ops[] = {MALLOC(0, 24), MALLOC(1, 64)};
	const struct oplog_entry a[] = {ENTRY(0, 3, 0), ENTRY(1, 4, 0)};
	struct difference_side side[2] = {{.log = a, .n = 2, .room = 9},
					  {.log = a, .n = 1, .room = 9}};

	assert_true(difference_find(&(struct difference_ops){ops, 2}, side, &found));
	assert_string_equal(signature(), "difference/malloc/ok-skipped");
	/* A log that is full is not all. */
	side[1].room = 1;
	assert_false(difference_find(&(struct difference_ops){ops, 2}, side, &found));
}

static void outcomes_as_programs_say_them(void **state)
{
	(void)state;
	const struct oplog_entry log[] = {ENTRY(0, 0, 0), ENTRY(1, 0, ENOMEM), ENTRY(0, 1, ENOMEM),
					  ENTRY(0, 2, ENOMEM), ENTRY(2, 0, OUTCOME_NO_ERRNO)};
	const struct difference_side side = {.log = log, .n = 5, .room = 9};
	struct outcomes o;

	assert_true(difference_outcomes(&side, 0, &o));
	assert_true(o.present && o.ok);
	assert_int_equal(o.nerr, 1);
	assert_int_equal(o.err[0], ENOMEM);
	assert_false(difference_outcomes(&side, 2, &o));
	assert_false(difference_outcomes(&side, 3, &o));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_succeeds_and_one_fails),
		cmocka_unit_test(what_the_kernel_refused_is_not_told),
		cmocka_unit_test(size_zero_is_a_choice),
		cmocka_unit_test(profiles_that_agree_are_held_to_it),
		cmocka_unit_test(alignments),
		cmocka_unit_test(what_one_left_out_is_told),
		cmocka_unit_test(outcomes_as_programs_say_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
