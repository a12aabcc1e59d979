#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "harness/kernel/fault.h"

#define ANY_OP	    .from = 0, .to = UINT64_MAX
#define OF(call_nr) .nr = {call_nr}, .ncalls = 1

static struct fault_plan_state plan;

static int setup(void **state)
{
	(void)state;
	memset(&plan, 0, sizeof(plan));
	return 0;
}

static void add(struct fault_rule rule)
{
	assert_int_equal(fault_add(&plan, &rule), 0);
}

static int decide_at(uint32_t nr, uint64_t op)
{
	struct kernel_call call = {.nr = nr, .caller = CALLER_ALLOCATOR, .arg = {4096}};

	return fault_decide(&plan, &call, op);
}

/* One character a call: '.' made, 'N' no memory, 'A' try again. */
static void assert_refusals(uint32_t nr, const char *want)
{
	char got[64] = "";

	for (size_t i = 0; want[i]; i++) {
		int err = decide_at(nr, 0);

		got[i] = err == 0 ? '.' : err == ENOMEM ? 'N' : err == EAGAIN ? 'A' : '?';
	}
	assert_string_equal(got, want);
}

static void no_rule_refuses_nothing(void **state)
{
	(void)state;
	assert_refusals(SYS_munmap, "...");
}

static void the_nth_and_no_other(void **state)
{
	(void)state;
	add((struct fault_rule){OF(SYS_munmap), ANY_OP, .err = ENOMEM, .nth = 3, .count = 1,
				.every = 1});
	assert_refusals(SYS_mmap, "....");
	assert_refusals(SYS_munmap, "..N...");
	assert_int_equal(plan.seen[0], 6);
	assert_int_equal(plan.refused[0], 1);
}

static void from_the_nth_on(void **state)
{
	(void)state;
	add((struct fault_rule){OF(SYS_munmap), ANY_OP, .err = ENOMEM, .nth = 2, .every = 1});
	assert_refusals(SYS_munmap, ".NNNNN");
}

static void every_third_four_times(void **state)
{
	(void)state;
	add((struct fault_rule){OF(SYS_munmap), ANY_OP, .err = ENOMEM, .nth = 2, .count = 4,
				.every = 3});
	assert_refusals(SYS_munmap, ".N..N..N..N.......");
}

static void several_calls_are_counted_together(void **state)
{
	(void)state;
	add((struct fault_rule){ANY_OP, .nr = {SYS_mmap, SYS_mremap}, .ncalls = 2, .err = ENOMEM,
				.nth = 3, .count = 1, .every = 1});
	assert_int_equal(decide_at(SYS_mmap, 0), 0);
	assert_int_equal(decide_at(SYS_mremap, 0), 0);
	assert_int_equal(decide_at(SYS_munmap, 0), 0);
	assert_int_equal(decide_at(SYS_mremap, 0), ENOMEM);
	/* The places beyond ncalls name nothing: call number 0 is read. */
	assert_int_equal(decide_at(SYS_read, 0), 0);
	assert_int_equal(plan.seen[0], 3);
}

static void only_within_the_ops(void **state)
{
	(void)state;
	add((struct fault_rule){OF(SYS_munmap), .from = 5, .to = 6, .err = ENOMEM, .nth = 2,
				.every = 1});
	assert_int_equal(decide_at(SYS_munmap, 4), 0);
	assert_int_equal(decide_at(SYS_munmap, 5), 0);
	assert_int_equal(decide_at(SYS_munmap, 5), ENOMEM);
	assert_int_equal(decide_at(SYS_munmap, 6), ENOMEM);
	assert_int_equal(decide_at(SYS_munmap, 7), 0);
	assert_int_equal(plan.seen[0], 3);
}

static void the_first_wins_and_all_count(void **state)
{
	(void)state;
	add((struct fault_rule){OF(SYS_munmap), ANY_OP, .err = ENOMEM, .nth = 2, .count = 1,
				.every = 1});
	add((struct fault_rule){OF(SYS_munmap), ANY_OP, .err = EAGAIN, .nth = 2, .count = 2,
				.every = 1});
	assert_refusals(SYS_munmap, ".NAA..");
	assert_int_equal(plan.seen[0], 6);
	assert_int_equal(plan.seen[1], 6);
	assert_int_equal(plan.refused[1], 2);
}

static void what_asks_or_is_not_the_allocators_does_not_count(void **state)
{
	struct kernel_call asks = {.nr = SYS_brk, .caller = CALLER_ALLOCATOR};
	struct kernel_call moves = {.nr = SYS_brk, .caller = CALLER_PROGRAM, .arg = {4096}};

	(void)state;
	add((struct fault_rule){OF(SYS_brk), ANY_OP, .err = ENOMEM, .nth = 1, .count = 1,
				.every = 1});
	assert_int_equal(fault_decide(&plan, &asks, 0), 0);
	assert_int_equal(fault_decide(&plan, &moves, 0), 0);
	assert_int_equal(plan.seen[0], 0);
	moves.caller = CALLER_ALLOCATOR;
	assert_int_equal(fault_decide(&plan, &moves, 0), ENOMEM);
}

static void off_is_off(void **state)
{
	(void)state;
	add((struct fault_rule){OF(SYS_munmap), ANY_OP, .err = ENOMEM, .nth = 1, .every = 1});
	assert_refusals(SYS_munmap, "N");
	plan.off = true;
	assert_refusals(SYS_munmap, "..");
}

static void rules_that_make_no_sense(void **state)
{
	static const struct fault_rule good = {OF(SYS_munmap), ANY_OP, .err = 1, .nth = 1,
					       .every = 1};
	struct fault_rule r = good;

	(void)state;
	r.ncalls = 0;
	assert_int_equal(fault_add(&plan, &r), -EINVAL);
	r.ncalls = FAULT_CALLS + 1;
	assert_int_equal(fault_add(&plan, &r), -EINVAL);
	r = good;
	r.nth = 0;
	assert_int_equal(fault_add(&plan, &r), -EINVAL);
	r = good;
	r.every = 0;
	assert_int_equal(fault_add(&plan, &r), -EINVAL);
	r = good;
	r.err = 0;
	assert_int_equal(fault_add(&plan, &r), -EINVAL);
	r.err = 4096;
	assert_int_equal(fault_add(&plan, &r), -EINVAL);
	assert_int_equal(plan.n, 0);
	for (int i = 0; i < FAULT_RULES; i++)
		add(good);
	assert_int_equal(fault_add(&plan, &good), -ENOSPC);
	assert_int_equal(plan.n, FAULT_RULES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(no_rule_refuses_nothing, setup),
		cmocka_unit_test_setup(the_nth_and_no_other, setup),
		cmocka_unit_test_setup(from_the_nth_on, setup),
		cmocka_unit_test_setup(every_third_four_times, setup),
		cmocka_unit_test_setup(several_calls_are_counted_together, setup),
		cmocka_unit_test_setup(only_within_the_ops, setup),
		cmocka_unit_test_setup(the_first_wins_and_all_count, setup),
		cmocka_unit_test_setup(what_asks_or_is_not_the_allocators_does_not_count, setup),
		cmocka_unit_test_setup(off_is_off, setup),
		cmocka_unit_test_setup(rules_that_make_no_sense, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
