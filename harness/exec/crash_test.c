#include "harness/exec/crash.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/exec/process_testing.h"
#include "harness/exec/shared.h"
#include "harness/exec/stack.h"

#define THREADS 3

static struct run_shared *shared;
static struct arena arena; /* the child's */
static long page;

static unsigned char *pages_map(size_t n, int prot)
{
	unsigned char *p = mmap(NULL, n * (size_t)page, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		_exit(8);
	return p;
}

static void *shared_map(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void enter_with_handlers(void (*body)(void), int fd)
{
	struct rlimit no_core = {0, 0};

	setrlimit(RLIMIT_CORE, &no_core);
	if (arena_init(&arena, crash_arena_bytes(THREADS)) < 0 ||
	    crash_install(shared, &arena, THREADS, 0, fd) < 0 || crash_thread_stack(0) < 0)
		_exit(9);
	body();
	_exit(0);
}

static struct process child_start(void (*body)(void))
{
	memset(shared->crash, 0, sizeof(shared->crash));
	return process_start(enter_with_handlers, body);
}

/* The byte that says which process crashed; -1 when all processes are gone without one. */
static int child_notice(const struct process *c)
{
	unsigned char proc;
	ssize_t n = read(c->fd, &proc, 1);

	assert_true(n >= 0);
	return n ? proc : -1;
}

/* Waits for the notice, checks that the child stands still and ends it. */
static struct crash_record crash_of(void (*body)(void))
{
	struct process c = child_start(body);
	int proc = child_notice(&c), status = process_end(&c);

	assert_int_equal(proc, 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(atomic_load(&shared->crash[0].filled), 1);
	return shared->crash[0];
}

static void expect_exit_0(void (*body)(void))
{
	struct process c = child_start(body);
	int notice = child_notice(&c), status = process_result(&c);

	assert_int_equal(notice, -1);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

__attribute__((noinline)) static void body_write(void)
{
	*(volatile int *)(uintptr_t)0x1230 = 1;
}

static void body_abort(void)
{
	abort();
}

static void body_trap(void)
{
	__asm__ volatile("int3");
}

static void body_illegal(void)
{
	__asm__ volatile("ud2");
}

static void body_divide(void)
{
	__asm__ volatile("xor %%eax, %%eax; xor %%edx, %%edx; xor %%ecx, %%ecx; div %%ecx" ::
				 : "eax", "ecx", "edx", "cc");
}

static void body_noncanonical(void)
{
	*(volatile char *)(uintptr_t)0x8000000000000000 = 1;
}

/* A page of a file that has none there. */
static unsigned char *beyond_end_of_file(void)
{
	int fd = memfd_create("empty", MFD_CLOEXEC);
	unsigned char *p = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		_exit(8);
	return p;
}

static void body_bus(void)
{
	*(volatile unsigned char *)beyond_end_of_file() = 1;
}

static void body_sent(void)
{
	kill(getpid(), SIGSEGV);
}

static void test_record(void **state)
{
	struct crash_record rec = crash_of(body_write);

	(void)state;
	assert_int_equal(rec.signal, SIGSEGV);
	assert_int_equal(rec.code, SEGV_MAPERR);
	assert_int_equal(rec.address, 0x1230);
	assert_true(rec.tid > 0);
	/* the child is a fork: its code is at the same addresses */
	assert_in_range(rec.ip, (uintptr_t)body_write, (uintptr_t)body_write + 512);
	assert_true(rec.sp != 0);
}

static void test_signals(void **state)
{
	static const struct {
		void (*body)(void);
		int signal;
	} all[] = {{body_write, SIGSEGV},	 {body_bus, SIGBUS},	{body_illegal, SIGILL},
		   {body_divide, SIGFPE},	 {body_abort, SIGABRT}, {body_trap, SIGTRAP},
		   {body_noncanonical, SIGSEGV}, {body_sent, SIGSEGV}};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_int_equal(crash_of(all[i].body).signal, all[i].signal);
}

/* si_addr holds the sender's pid there. */
static void test_no_address_of_what_was_sent(void **state)
{
	(void)state;
	assert_int_equal(crash_of(body_abort).address, 0);
	assert_int_equal(crash_of(body_sent).address, 0);
	assert_int_equal(crash_of(body_noncanonical).address, 0);
}

__attribute__((noinline)) static int recurse(volatile int *depth)
{
	volatile int here[64] = {*depth + 1};

	if (here[0] < 0)
		return 0;
	return recurse(here) + here[0];
}

static void body_overflow(void)
{
	struct rlimit limit = {.rlim_cur = 1 << 20, .rlim_max = 1 << 20};
	volatile int depth = 0;

	setrlimit(RLIMIT_STACK, &limit);
	recurse(&depth);
}

static void *overflow_main(void *arg)
{
	volatile int depth = 0;

	if (crash_thread_stack((unsigned)(uintptr_t)arg) < 0)
		_exit(9);
	recurse(&depth);
	return NULL;
}

static void body_overflow_in_thread(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, overflow_main, (void *)2))
		_exit(9);
	pthread_join(t, NULL);
}

static void test_stack_overflow(void **state)
{
	struct crash_record rec;
	struct process c;

	(void)state;
	assert_int_equal(crash_of(body_overflow).signal, SIGSEGV);
	c = child_start(body_overflow_in_thread);
	assert_int_equal(child_notice(&c), 0);
	rec = shared->crash[0];
	process_end(&c);
	assert_int_equal(rec.signal, SIGSEGV);
	assert_int_not_equal(rec.tid, c.pid);
}

static pthread_barrier_t together;
static _Atomic pid_t *thread_id; /* shared */

static void *crash_main(void *arg)
{
	unsigned i = (unsigned)(uintptr_t)arg;

	if (crash_thread_stack(i) < 0)
		_exit(9);
	atomic_store(&thread_id[i], (pid_t)syscall(SYS_gettid));
	pthread_barrier_wait(&together);
	body_write();
	return NULL;
}

static void body_two_crash(void)
{
	pthread_t t[2];

	pthread_barrier_init(&together, NULL, 2);
	if (pthread_create(&t[0], NULL, crash_main, (void *)1) ||
	    pthread_create(&t[1], NULL, crash_main, (void *)2))
		_exit(9);
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
}

static bool is_in_ppoll(pid_t pid, pid_t tid)
{
	char path[64], buf[64] = "";
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", (int)pid, (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	return n > 0 && strtol(buf, NULL, 10) == SYS_ppoll;
}

static void test_only_the_first_thread_is_told(void **state)
{
	struct process c = child_start(body_two_crash);
	struct pollfd p = {.fd = c.fd, .events = POLLIN};
	int notices, i;

	(void)state;
	assert_int_equal(child_notice(&c), 0);
	for (i = 1; i <= 2; i++)
		while (!is_in_ppoll(c.pid, atomic_load(&thread_id[i])))
			sched_yield(); /* the test's time limit is the bound */
	notices = poll(&p, 1, 0);
	process_end(&c);
	assert_int_equal(notices, 0);
}

static void body_guard(void)
{
	unsigned char *p = pages_map(3, PROT_READ | PROT_WRITE);
	struct crash_guard g = {.start = (uintptr_t)p, .end = (uintptr_t)p + 3 * (size_t)page};
	volatile unsigned faults = 0;

	mprotect(p + page, (size_t)page, PROT_NONE);
	/* many times: a signal that stayed blocked would kill at the second */
	while (faults < 100) {
		if (sigsetjmp(g.env, 0) == 0) {
			crash_guard_arm(&g);
			p[0] = 1;
			*(volatile unsigned char *)(p + page + 7) = 1;
			_exit(1);
		}
		if (g.fault != (uintptr_t)p + (size_t)page + 7)
			_exit(2);
		faults++;
	}
}

static void body_guard_bus(void)
{
	unsigned char *p = beyond_end_of_file();
	struct crash_guard g = {.start = (uintptr_t)p, .end = (uintptr_t)p + (size_t)page};

	if (sigsetjmp(g.env, 0) == 0) {
		crash_guard_arm(&g);
		*(volatile unsigned char *)p = 1;
		_exit(1);
	}
	if (g.fault != (uintptr_t)p)
		_exit(2);
}

static void test_guard_recovers(void **state)
{
	(void)state;
	expect_exit_0(body_guard);
	expect_exit_0(body_guard_bus);
}

/* Faults at `offset` from a page that is guarded; a recovery would be exit(1). */
static void guard_and_fault(unsigned char *guarded, unsigned char *at)
{
	struct crash_guard g = {.start = (uintptr_t)guarded,
				.end = (uintptr_t)guarded + (size_t)page};

	if (sigsetjmp(g.env, 0))
		_exit(1);
	crash_guard_arm(&g);
	*(volatile unsigned char *)at = 1;
}

static void body_below_guard(void)
{
	unsigned char *p = pages_map(3, PROT_NONE);

	guard_and_fault(p + page, p + page - 1);
}

static void body_at_guard_end(void)
{
	unsigned char *p = pages_map(3, PROT_NONE);

	guard_and_fault(p + page, p + 2 * page);
}

static void body_disarmed(void)
{
	unsigned char *p = pages_map(1, PROT_NONE);
	struct crash_guard g = {.start = (uintptr_t)p, .end = (uintptr_t)p + (size_t)page};

	if (sigsetjmp(g.env, 0))
		_exit(1);
	crash_guard_arm(&g);
	crash_guard_disarm();
	*(volatile unsigned char *)p = 1;
}

static void body_recovered_once(void)
{
	unsigned char *p = pages_map(1, PROT_NONE);
	struct crash_guard g = {.start = (uintptr_t)p, .end = (uintptr_t)p + (size_t)page};

	if (sigsetjmp(g.env, 0) == 0)
		crash_guard_arm(&g);
	*(volatile unsigned char *)p = 1; /* first under the guard, then without */
}

static void body_sent_to_guard(void)
{
	struct crash_guard g = {.start = 0, .end = UINTPTR_MAX};

	if (sigsetjmp(g.env, 0))
		_exit(1);
	crash_guard_arm(&g);
	kill(getpid(), SIGSEGV);
}

static unsigned char *guarded_by_main;

static void *fault_main(void *arg)
{
	(void)arg;
	if (crash_thread_stack(1) < 0)
		_exit(9);
	*(volatile unsigned char *)guarded_by_main = 1;
	return NULL;
}

static void body_other_threads_guard(void)
{
	struct crash_guard g;
	pthread_t t;

	guarded_by_main = pages_map(1, PROT_NONE);
	g.start = (uintptr_t)guarded_by_main;
	g.end = g.start + (size_t)page;
	if (sigsetjmp(g.env, 0))
		_exit(1);
	crash_guard_arm(&g);
	if (pthread_create(&t, NULL, fault_main, NULL))
		_exit(9);
	pthread_join(t, NULL);
}

static void test_guard_is_narrow(void **state)
{
	(void)state;
	assert_int_equal(crash_of(body_below_guard).signal, SIGSEGV);
	assert_int_equal(crash_of(body_at_guard_end).signal, SIGSEGV);
	assert_int_equal(crash_of(body_disarmed).signal, SIGSEGV);
	assert_int_equal(crash_of(body_recovered_once).signal, SIGSEGV);
	assert_int_equal(crash_of(body_sent_to_guard).signal, SIGSEGV);
	assert_int_equal(crash_of(body_other_threads_guard).signal, SIGSEGV);
}

static void fork_and_crash_as(unsigned proc)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		crash_after_fork(proc);
		body_write();
	}
	waitpid(pid, &status, 0);
	_exit(WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void body_fork(void)
{
	fork_and_crash_as(2);
}

static void body_fork_too_deep(void)
{
	fork_and_crash_as(RUN_PROCS);
}

static void test_after_fork(void **state)
{
	struct process c = child_start(body_fork);
	struct crash_record rec;

	(void)state;
	assert_int_equal(child_notice(&c), 2);
	rec = shared->crash[2];
	process_end(&c);
	assert_int_equal(rec.filled, 1);
	assert_int_equal(rec.signal, SIGSEGV);
	assert_int_not_equal(rec.tid, c.pid);
	assert_int_equal(shared->crash[0].filled, 0);
}

static void test_process_without_a_record_dies(void **state)
{
	struct process c = child_start(body_fork_too_deep);
	int notice = child_notice(&c), status = process_result(&c);

	(void)state;
	assert_int_equal(notice, -1);
	assert_int_equal(WEXITSTATUS(status), SIGSEGV);
	assert_int_equal(shared->crash[0].filled, 0);
}

static void body_shared_is_gone(void)
{
	munmap(shared, sizeof(*shared));
	body_write();
}

/* It must neither hang nor go round in circles. */
static void test_handler_that_crashes_dies(void **state)
{
	struct process c = child_start(body_shared_is_gone);
	int notice = child_notice(&c), status = process_result(&c);

	(void)state;
	assert_int_equal(notice, -1);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
}

static void test_stack_can_be_captured(void **state)
{
	struct process c = child_start(body_write);
	struct stack s;
	char text[4096];
	int r;

	(void)state;
	assert_int_equal(child_notice(&c), 0);
	r = stack_capture(c.pid, shared->crash[0].tid, shared->crash[0].ip, &s);
	process_end(&c);
	assert_int_equal(r, 0);
	assert_true(s.nframes > 2);
	assert_string_equal(s.frame[0].symbol, "body_write");
	assert_true(stack_print(&s, STACK_FRAMES, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, " < main+"));
}

static void body_bad_arguments(void)
{
	struct arena small;

	if (arena_init(&small, 4096) < 0 || crash_install(shared, &small, 1, 0, 1) != -ENOMEM ||
	    crash_install(shared, &small, 0, RUN_PROCS, 1) != -EINVAL)
		_exit(1);
	if (crash_thread_stack(THREADS) != -EINVAL || crash_thread_stack(THREADS - 1))
		_exit(2);
	if (crash_after_fork(RUN_PROCS) != -EINVAL || crash_after_fork(RUN_PROCS - 1))
		_exit(3);
}

static void test_bad_arguments(void **state)
{
	(void)state;
	expect_exit_0(body_bad_arguments);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_no_address_of_what_was_sent),
		cmocka_unit_test(test_stack_overflow),
		cmocka_unit_test(test_only_the_first_thread_is_told),
		cmocka_unit_test(test_guard_recovers),
		cmocka_unit_test(test_guard_is_narrow),
		cmocka_unit_test(test_after_fork),
		cmocka_unit_test(test_process_without_a_record_dies),
		cmocka_unit_test(test_handler_that_crashes_dies),
		cmocka_unit_test(test_stack_can_be_captured),
		cmocka_unit_test(test_bad_arguments),
	};

	page = sysconf(_SC_PAGESIZE);
	shared = shared_map(sizeof(*shared));
	thread_id = shared_map(THREADS * sizeof(*thread_id));
	if (shared == MAP_FAILED || thread_id == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
