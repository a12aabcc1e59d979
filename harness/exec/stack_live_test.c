/* Stacks of processes that run, sleep, stand still or are gone: looking changes nothing. */
#include "harness/exec/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/exec/stack_testing.h"

static volatile uint64_t *spin_turns; /* shared */

void hung_spin(void);

NESTED void hung_spin(void)
{
	tell(0);
	for (;;)
		(*spin_turns)++;
}

static void body_sleep(void)
{
	char c;
	int fd[2];

	if (pipe(fd) < 0)
		_exit(6);
	tell(0);
	/* the controller never writes here; being interrupted would show */
	if (read(fd[0], &c, 1) < 0)
		tell((uint64_t)errno);
	_exit(5);
}

/* A parent waits for its vfork child in uninterruptible sleep, which only SIGKILL ends. */
static void *vfork_body(void *arg)
{
	(void)arg;
	tell(0);
	if (!syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0)) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return NULL;
}

static void body_uninterruptible(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, vfork_body, NULL))
		_exit(6);
	pthread_join(t, NULL);
}

/* Reads /proc/PID/task/TID/FILE. */
static const char *proc_read(pid_t pid, pid_t tid, const char *file)
{
	static char buf[4096];
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)pid, (int)tid, file);
	fd = open(path, O_RDONLY);
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	assert_true(n > 0);
	buf[n] = 0;
	return buf;
}

static char state_of(pid_t pid, pid_t tid)
{
	return strrchr(proc_read(pid, tid, "stat"), ')')[2];
}

static bool is_traced(pid_t pid, pid_t tid)
{
	return !strstr(proc_read(pid, tid, "status"), "\nTracerPid:\t0\n");
}

static void test_hung_spinner_goes_on(void **state)
{
	struct process c = reporter_start(hung_spin);
	struct word w = reporter_word(&c);
	uint64_t before;
	struct stack s;
	int r;

	(void)state;
	r = stack_capture(c.pid, w.tid, 0, &s);
	before = *spin_turns;
	while (*spin_turns == before) /* the test's time limit is the bound */
		sched_yield();
	assert_int_equal(state_of(c.pid, c.pid), 'R');
	process_end(&c);
	assert_int_equal(r, 0);
	find_symbol(&s, "hung_spin");
}

static void test_sleeper_sleeps_on(void **state)
{
	struct process c = reporter_start(body_sleep);
	struct word w = reporter_word(&c), again;
	struct stack s;
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(stack_capture(c.pid, w.tid, 0, &s), 0);
	find_symbol(&s, "body_sleep");
	fcntl(c.fd, F_SETFL, O_NONBLOCK);
	assert_int_equal(read(c.fd, &again, sizeof(again)), -1);
	assert_int_equal(errno, EAGAIN);
	assert_true(WIFSIGNALED(process_end(&c)));
}

static void test_stopped_stays_stopped(void **state)
{
	struct process c = reporter_start(hung_spin);
	struct word w = reporter_word(&c);
	struct stack s;
	siginfo_t si;
	int status;

	(void)state;
	kill(c.pid, SIGSTOP);
	assert_int_equal(waitpid(c.pid, &status, WUNTRACED), c.pid);
	assert_true(WIFSTOPPED(status));
	uint64_t before = *spin_turns;

	assert_int_equal(stack_capture(c.pid, w.tid, 0, &s), 0);
	find_symbol(&s, "hung_spin");
	/* The kernel wakes it to stop it again: it runs for a moment, and none of its own code. */
	while (state_of(c.pid, c.pid) != 'T') /* the test's time limit is the bound */
		sched_yield();
	assert_int_equal(*spin_turns, before);
	kill(c.pid, SIGCONT);
	memset(&si, 0, sizeof(si));
	assert_int_equal(waitid(P_PID, (id_t)c.pid, &si, WCONTINUED), 0);
	assert_int_equal(si.si_code, CLD_CONTINUED);
	process_end(&c);
}

/* Each loop's bound is the test's time limit. */
static void test_uninterruptible(void **state)
{
	struct process c = reporter_start(body_uninterruptible);
	struct word w = reporter_word(&c);
	struct stack s;

	(void)state;
	while (state_of(c.pid, w.tid) != 'D')
		sched_yield();
	assert_int_equal(stack_capture(c.pid, w.tid, 0, &s), -ENODATA);
	assert_int_equal(s.nframes, 0);
	while (is_traced(c.pid, w.tid))
		sched_yield();
	assert_int_equal(stack_capture(c.pid, c.pid, 0, &s), 0);
	process_end(&c);
	find_symbol(&s, "body_uninterruptible");
}

static void test_gone(void **state)
{
	struct process c = reporter_start(hung_spin);
	struct word w = reporter_word(&c);
	struct stack s = {.nframes = 5};
	siginfo_t si;

	(void)state;
	kill(c.pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)c.pid, &si, WEXITED | WNOWAIT), 0);
	assert_int_equal(stack_capture(c.pid, w.tid, 0, &s), -ESRCH); /* a zombie */
	assert_int_equal(s.nframes, 0);
	process_end(&c); /* its status was left for us */
	assert_int_equal(stack_capture(c.pid, w.tid, 0, &s), -ESRCH);
	assert_int_equal(stack_capture(-1, -1, 0, &s), -ESRCH);
	assert_int_equal(stack_capture(0, 0, 0, &s), -ESRCH);
}

static void test_thread_of_another_process(void **state)
{
	struct process c = reporter_start(hung_spin);
	struct word w = reporter_word(&c);
	struct stack s;

	(void)state;
	assert_int_equal(stack_capture(getpid(), w.tid, 0, &s), -ESRCH);
	process_end(&c);
}

static void test_already_traced(void **state)
{
	int self_pid = getpid();
	struct stack s;

	(void)state;
	assert_int_equal(stack_capture(self_pid, self_pid, 0, &s), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hung_spinner_goes_on),
		cmocka_unit_test(test_sleeper_sleeps_on),
		cmocka_unit_test(test_stopped_stays_stopped),
		cmocka_unit_test(test_uninterruptible),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_thread_of_another_process),
		cmocka_unit_test(test_already_traced),
	};

	spin_turns = mmap(NULL, sizeof(*spin_turns), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (spin_turns == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
