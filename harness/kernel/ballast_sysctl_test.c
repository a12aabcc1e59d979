/*
 * The ballast at other values of vm.max_map_count. It changes the machine for a moment, so it runs
 * only where ALLOCRIG_TEST_SYSCTL=1 asks for it; otherwise the whole test is skipped (exit 77).
 *
 * The value is put back by a process of its own, when the last writer of a pipe is gone: also when
 * the test is killed.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "harness/kernel/ballast_fixture.h"

#define SYSCTL "/proc/sys/vm/max_map_count"

static int64_t before;
static int64_t case_limit;
static uint64_t case_headroom;

static int write_limit(int64_t limit)
{
	char text[32];
	int fd = open(SYSCTL, O_WRONLY | O_CLOEXEC);
	int len = snprintf(text, sizeof(text), "%" PRId64, limit);

	if (fd < 0)
		return -errno;
	int err = write(fd, text, (size_t)len) == len ? 0 : -errno;

	close(fd);
	return err;
}

/* Not of the test's session or process group, and none of its output is kept open. */
static void restorer_main(int pipe_end)
{
	char byte;

	setsid();
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	if (fork() != 0)
		_exit(0);
	while (read(pipe_end, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(write_limit(before) ? 1 : 0);
}

/* The end of the pipe whose closing restores the value, which children must not inherit. */
static int start_restorer(void)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	pid_t pid = fork();

	if (pid == 0) {
		close(ends[1]);
		restorer_main(ends[0]);
	}
	close(ends[0]);
	return pid > 0 && waitpid(pid, NULL, 0) == pid ? ends[1] : -ECHILD;
}

static void raised_body(void)
{
	check_raised(case_limit, case_headroom);
}

/* At headrooms from 0 up. */
static void check_at(int64_t limit, uint64_t headrooms)
{
	case_limit = limit;
	for (case_headroom = 0; case_headroom < headrooms; case_headroom++) {
		assert_int_equal(write_limit(limit), 0);
		int ret = in_child(raised_body);

		assert_int_equal(write_limit(before), 0);
		assert_int_equal(ret, 0);
	}
}

static void a_thousand(void **state)
{
	(void)state;
	check_at(1000, 3);
}

static void some_thousand(void **state)
{
	(void)state;
	check_at(4096, 3);
	check_at(4097, 3);
	check_at(30000, 3);
}

static void a_million(void **state)
{
	(void)state;
	check_at(1048576, 1);
}

static int restore(void **state)
{
	(void)state;
	return write_limit(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_thousand, restore),
		cmocka_unit_test_teardown(some_thousand, restore),
		cmocka_unit_test_teardown(a_million, restore),
	};
	const char *asked = getenv("ALLOCRIG_TEST_SYSCTL");

	if (!asked || strcmp(asked, "1") != 0) {
		dprintf(2, "skipped: it changes vm.max_map_count; ALLOCRIG_TEST_SYSCTL=1 asks for "
			   "it\n");
		return CHILD_SKIPPED;
	}
	before = accounts_max_map_count();
	int err = before > 0 ? write_limit(before) : (int)before;

	if (err) {
		dprintf(2, "skipped: " SYSCTL " cannot be written: %s\n", strerror(-err));
		return CHILD_SKIPPED;
	}
	int restorer = start_restorer();

	if (restorer < 0)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	close(restorer);
	return failed;
}
