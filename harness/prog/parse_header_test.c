#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/prog/parse.h"

static struct prog_fault parsed(const char *text)
{
	struct prog_fault f;
	struct prog_error err = {0};

	if (prog_fault_parse(text, &f, &err))
		fail_msg("%s: %u: %s", text, err.column, err.message);
	return f;
}

static void assert_calls(const struct prog_fault *f, uint32_t n, const uint32_t *calls)
{
	assert_int_equal(f->ncalls, n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(f->call[i], calls[i]);
	assert_int_equal(f->plan.call, calls[0]);
}

static void one_call_is_as_in_a_header(void **state)
{
	struct prog_fault f = parsed("  munmap ENOMEM nth=17 count=0 every=2 from=3 to=9 # why");

	(void)state;
	assert_calls(&f, 1, (uint32_t[]){KCALL_MUNMAP});
	assert_int_equal(f.plan.err, ENOMEM);
	assert_int_equal(f.plan.nth, 17);
	assert_int_equal(f.plan.count, 0);
	assert_int_equal(f.plan.every, 2);
	assert_int_equal(f.plan.from_stmt, 3);
	assert_int_equal(f.plan.to_stmt, 9);
}

static void what_is_not_given_has_a_default(void **state)
{
	struct prog_fault f = parsed("process_madvise EAGAIN");

	(void)state;
	assert_calls(&f, 1, (uint32_t[]){KCALL_PROCESS_MADVISE});
	assert_int_equal(f.plan.err, EAGAIN);
	assert_int_equal(f.plan.nth, 1);
	assert_int_equal(f.plan.count, 1);
	assert_int_equal(f.plan.every, 1);
	assert_int_equal(f.plan.from_stmt, 0);
	assert_true(f.plan.to_stmt == UINT64_MAX);
}

static void several_calls_are_counted_together(void **state)
{
	struct prog_fault f = parsed("mmap,brk,mremap ENOMEM nth=5 count=0");

	(void)state;
	assert_calls(&f, 3, (uint32_t[]){KCALL_MMAP, KCALL_BRK, KCALL_MREMAP});
	assert_int_equal(f.plan.nth, 5);
	f = parsed("madvise,mmap,munmap,mprotect EAGAIN");
	assert_calls(&f, 4, (uint32_t[]){KCALL_MADVISE, KCALL_MMAP, KCALL_MUNMAP, KCALL_MPROTECT});
}

static void bad_ones_are_refused(void **state)
{
	static const struct {
		const char *text;
		uint32_t column;
		const char *expected;
	} bad[] = {
		{"", 1, "found the end of the line, expected a kernel call"},
		{"munmop ENOMEM", 1, "found 'munmop', expected a kernel call"},
		{"fault munmap ENOMEM", 1, "found 'fault', expected a kernel call"},
		{"munmap", 7, "found the end of the line, expected the name of an errno"},
		{"munmap ENOMM", 8, "found 'ENOMM', expected the name of an errno"},
		{"munmap ENOMEM nth=0", 19, "found '0', expected a number from 1 on"},
		{"munmap ENOMEM nth=1 nth=2", 21, "expected each of nth"},
		{"munmap ENOMEM 3", 15, "found '3', expected nth="},
		{"munmap ENOMEM from=3 to=2", 26, "expected a range of ops"},
		{"munmap\nENOMEM", 1, "found 'munmap\\x0aENOMEM'"},
		{"mmap,mmap ENOMEM", 6, "found 'mmap', expected each call once"},
		{"mmap,,brk ENOMEM", 6, "expected a kernel call"},
		{"mmap, ENOMEM", 6, "expected a kernel call"},
		{"mmap,brk,munmap,mremap,madvise ENOMEM", 24, "expected at most 4 calls"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct prog_fault f = {.ncalls = 77};
		struct prog_error err = {0};

		if (prog_fault_parse(bad[i].text, &f, &err) != -EINVAL)
			fail_msg("was not refused: %s", bad[i].text);
		if (err.column != bad[i].column || !strstr(err.message, bad[i].expected))
			fail_msg("%s: %u: %s", bad[i].text, err.column, err.message);
		assert_int_equal(err.line, 1);
		assert_int_equal(f.ncalls, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_call_is_as_in_a_header),
		cmocka_unit_test(what_is_not_given_has_a_default),
		cmocka_unit_test(several_calls_are_counted_together),
		cmocka_unit_test(bad_ones_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
