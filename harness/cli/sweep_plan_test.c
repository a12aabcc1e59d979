#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "harness/cli/sweep_plan.h"

static struct sweep_plan plan_of(const char *words)
{
	struct sweep_plan p = {.err = EAGAIN, .max = 7};
	const char *why = NULL;

	if (sweep_plan_parse(&p, words, &why) != 0)
		fail_msg("%s: %s", words, why);
	assert_int_equal(p.err, EAGAIN);
	assert_int_equal(p.max, 7);
	return p;
}

static void assert_spread(uint64_t tries, uint64_t made)
{
	uint64_t last = 0;
	uint64_t narrow = (made - 1) / (tries - 1);

	for (uint64_t i = 0; i < tries; i++) {
		uint64_t nth = sweep_nth(i, tries, made);

		if (i == 0)
			assert_true(nth == 1);
		else if (nth - last != narrow && nth - last != narrow + 1)
			fail_msg("%llu of %llu in %llu: %llu behind %llu", (unsigned long long)i,
				 (unsigned long long)tries, (unsigned long long)made,
				 (unsigned long long)nth, (unsigned long long)last);
		last = nth;
	}
	assert_true(last == made);
}

static void refusals_are_spread_evenly(void **state)
{
	(void)state;
	for (uint64_t made = 2; made < 60; made++)
		for (uint64_t tries = 2; tries <= made; tries++)
			assert_spread(tries, made);
	assert_spread(200, 65530);
	assert_spread(200, UINT64_MAX);
	assert_spread(2, UINT64_MAX);
}

static void each_call_is_tried_where_there_are_few(void **state)
{
	const struct sweep_plan p = {.max = 5};

	(void)state;
	assert_int_equal(sweep_tries(&p, 0), 0);
	assert_int_equal(sweep_tries(&p, 1), 1);
	assert_int_equal(sweep_tries(&p, 5), 5);
	assert_int_equal(sweep_tries(&p, 6), 5);
	assert_int_equal(sweep_nth(0, 1, 1), 1);
	assert_int_equal(sweep_nth(0, 1, 100), 1);
	for (uint64_t i = 0; i < 5; i++)
		assert_int_equal(sweep_nth(i, 5, 5), i + 1);
}

static void one_rule_refuses_one_call(void **state)
{
	struct sweep_plan p = plan_of("munmap,process_madvise");
	struct fault_rule r;

	(void)state;
	sweep_rule(&p, 17, &r);
	assert_int_equal(r.ncalls, 2);
	assert_int_equal(r.nr[0], SYS_munmap);
	assert_int_equal(r.nr[1], SYS_process_madvise);
	assert_int_equal(r.err, EAGAIN);
	assert_int_equal(r.nth, 17);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.every, 1);
	assert_int_equal(r.from, 0);
	assert_true(r.to == UINT64_MAX);
}

static void out_of_memory_goes_on_to_the_end(void **state)
{
	struct sweep_plan p = plan_of("oom");
	struct fault_rule r;

	(void)state;
	sweep_rule(&p, 3, &r);
	assert_int_equal(r.ncalls, 3);
	assert_int_equal(r.nr[0], SYS_mmap);
	assert_int_equal(r.nr[1], SYS_brk);
	assert_int_equal(r.nr[2], SYS_mremap);
	assert_int_equal(r.nth, 3);
	assert_int_equal(r.count, 0);
	assert_int_equal(r.every, 1);
}

static void calls_of_the_program_are_not_counted(void **state)
{
	struct sweep_plan p = plan_of("mmap,madvise");
	static struct run_counts counts;

	(void)state;
	counts.call[KCALL_MMAP].made = 100;
	counts.call[KCALL_MMAP].by_allocator = 30;
	counts.call[KCALL_MADVISE].made = 5;
	counts.call[KCALL_MADVISE].by_allocator = 5;
	counts.call[KCALL_MUNMAP].made = counts.call[KCALL_MUNMAP].by_allocator = 1000;
	assert_int_equal(sweep_made(&p, &counts), 35);
}

static void bad_words_are_refused(void **state)
{
	static const char *const bad[] = {
		"",	    "malloc",	   "mmap,",
		",mmap",    "mmap,mmap",   "oom,mmap",
		"mmap,oom", "mmap munmap", "mmap,munmap,brk,mremap,madvise"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct sweep_plan p = {.ncalls = 77};
		const char *why = NULL;

		if (sweep_plan_parse(&p, bad[i], &why) != -EINVAL)
			fail_msg("was not refused: '%s'", bad[i]);
		assert_non_null(why);
		assert_int_equal(p.ncalls, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals_are_spread_evenly),
		cmocka_unit_test(each_call_is_tried_where_there_are_few),
		cmocka_unit_test(one_rule_refuses_one_call),
		cmocka_unit_test(out_of_memory_goes_on_to_the_end),
		cmocka_unit_test(calls_of_the_program_are_not_counted),
		cmocka_unit_test(bad_words_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
