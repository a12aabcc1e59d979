#include <sys/mman.h>
#include <sys/syscall.h>

#include "harness/kernel/child_test.h"
#include "harness/kernel/kernel_call.h"
#include "harness/kernel/raw_syscall.h"

#define PAGE ((uint64_t)4096)

static struct kernel_call brk_to(uint64_t address)
{
	return (struct kernel_call){.nr = SYS_brk, .arg = {address}};
}

static uint64_t where_the_break_is(void)
{
	return (uint64_t)RAW_SYSCALL(SYS_brk, 0);
}

CHILD_TEST(a_value_and_an_error)
{
	struct kernel_call map = {.nr = SYS_mmap,
				  .arg = {0, 3 * PAGE, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0},
				  .injected = true};

	errno = 99;
	kernel_call_make(&map);
	CHECK_EQ(map.err, 0);
	CHECK_EQ(map.injected, false);
	CHECK_EQ(map.result % (int64_t)PAGE, 0);
	*(volatile char *)(uintptr_t)(map.result + (int64_t)(3 * PAGE) - 1) = 1;
	struct kernel_call unmap = {.nr = SYS_munmap, .arg = {(uint64_t)map.result + 1, PAGE}};

	kernel_call_make(&unmap);
	CHECK_EQ(unmap.result, -EINVAL);
	CHECK_EQ(unmap.err, EINVAL);
	unmap.arg[0] = (uint64_t)map.result;
	kernel_call_make(&unmap);
	CHECK_EQ(unmap.result, 0);
	CHECK_EQ(unmap.err, 0);
	CHECK_EQ(errno, 99);
}

/* All six: mmap of the second page of a file, at a place of our choice. */
CHILD_TEST(all_arguments_arrive)
{
	int fd = memfd_create("two pages", MFD_CLOEXEC);
	char *at = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(at != MAP_FAILED);
	CHECK_EQ(pwrite(fd, "x", 1, (off_t)PAGE), 1);
	struct kernel_call map = {.nr = SYS_mmap,
				  .arg = {raw_pointer(at), PAGE, PROT_READ, MAP_SHARED | MAP_FIXED,
					  (uint64_t)fd, PAGE}};

	kernel_call_make(&map);
	CHECK_EQ(map.result, (intptr_t)at);
	CHECK_EQ(at[0], 'x');
}

CHILD_TEST(the_break)
{
	uint64_t start = where_the_break_is();
	struct kernel_call call = brk_to(0);

	kernel_call_make(&call);
	CHECK_EQ(call.result, start);
	CHECK_EQ(call.break_before, start);
	CHECK_EQ(call.err, 0);
	call = brk_to(start + PAGE);
	kernel_call_make(&call);
	CHECK_EQ(call.result, start + PAGE);
	CHECK_EQ(call.break_before, start);
	CHECK_EQ(call.err, 0);
	call = brk_to(1); /* below where it may be */
	kernel_call_make(&call);
	CHECK_EQ(call.result, start + PAGE);
	CHECK_EQ(call.break_before, start + PAGE);
	CHECK_EQ(call.err, ENOMEM);
	call = brk_to(start);
	kernel_call_make(&call);
	CHECK_EQ(call.result, start);
	CHECK_EQ(call.err, 0);
}

CHILD_TEST(a_refused_break_stays)
{
	uint64_t start = where_the_break_is();
	struct kernel_call call = brk_to(start + PAGE);

	kernel_call_refuse(&call, EAGAIN);
	CHECK_EQ(call.injected, true);
	CHECK_EQ(call.result, start);
	CHECK_EQ(call.break_before, start);
	CHECK_EQ(call.err, ENOMEM); /* the one error that its callers know */
	CHECK_EQ(where_the_break_is(), start);
	call = brk_to(start);
	kernel_call_refuse(&call, ENOMEM);
	CHECK_EQ(call.err, 0); /* they get what they asked for */
}

CHILD_TEST(a_refused_call_is_not_made)
{
	char *at = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct kernel_call call = {.nr = SYS_munmap, .arg = {raw_pointer(at), PAGE}};

	CHECK(at != MAP_FAILED);
	errno = 99;
	kernel_call_refuse(&call, EPERM);
	CHECK_EQ(call.result, -EPERM);
	CHECK_EQ(call.err, EPERM);
	CHECK_EQ(call.injected, true);
	CHECK_EQ(errno, 99);
	CHECK_EQ(at[0], 0);
}

static void only_small_negatives_are_errors(void **state)
{
	(void)state;
	assert_int_equal(kernel_errno(0), 0);
	assert_int_equal(kernel_errno(-1), 1);
	assert_int_equal(kernel_errno(-4095), 4095);
	assert_int_equal(kernel_errno(-4096), 0);
	assert_int_equal(kernel_errno(INT64_MIN), 0);
	assert_int_equal(kernel_errno(INT64_MAX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_and_an_error),
		cmocka_unit_test(all_arguments_arrive),
		cmocka_unit_test(the_break),
		cmocka_unit_test(a_refused_break_stays),
		cmocka_unit_test(a_refused_call_is_not_made),
		cmocka_unit_test(only_small_negatives_are_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
