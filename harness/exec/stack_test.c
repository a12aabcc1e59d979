#include "harness/exec/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

/* What a child tells about itself before it stands still. */
struct word {
	pid_t tid;
	uint64_t ip;
};

struct child {
	pid_t pid;
	int fd; /* read end; the child holds the write end */
};

static int out_fd;		      /* in the child: the write end */
static volatile uint64_t *spin_turns; /* shared */

static void tell(uint64_t ip)
{
	struct word w = {.tid = (pid_t)syscall(SYS_gettid), .ip = ip};

	if (write(out_fd, &w, sizeof(w)) != sizeof(w))
		_exit(9);
}

static void on_crash(int signal, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)signal;
	(void)info;
	tell((uint64_t)uc->uc_mcontext.gregs[REG_RIP]);
	for (;;)
		pause();
}

static void use_alternate_stack(void)
{
	stack_t ss = {.ss_size = 65536};

	ss.ss_sp =
		mmap(NULL, ss.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ss.ss_sp == MAP_FAILED || sigaltstack(&ss, NULL) < 0)
		_exit(8);
}

static void catch_crashes(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGABRT};
	struct sigaction sa = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	size_t i;

	use_alternate_stack();
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &sa, NULL);
}

static struct child child_start(void (*body)(void))
{
	struct child c;
	int fd[2];

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	c.pid = fork();
	assert_true(c.pid >= 0);
	if (!c.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		out_fd = fd[1];
		catch_crashes();
		body();
		_exit(7);
	}
	close(fd[1]);
	c.fd = fd[0];
	return c;
}

static struct word child_word(const struct child *c)
{
	struct word w;

	assert_int_equal(read(c->fd, &w, sizeof(w)), sizeof(w));
	return w;
}

static int child_end(struct child *c)
{
	int status;

	kill(c->pid, SIGKILL);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	close(c->fd);
	return status;
}

/* Functions of the crashing programs have external linkage so that no compiler renames them. */
#define NESTED __attribute__((noinline, noclone, noipa))
#ifdef __clang__
#undef NESTED
#define NESTED __attribute__((noinline))
#endif

/* Keeps the call above it from becoming a jump. */
#define NO_TAIL_CALL() __asm__ volatile("" ::: "memory")

void crash_write(volatile int *p);
void crash_middle(volatile int *p);
void crash_outer(void);
void crash_abort(void);
void crash_call(void (*f)(void));
void crash_call_outer(void (*f)(void));
int crash_recurse(volatile int *depth);
void hung_spin(void);
void crash_in_thread(void);

NESTED void crash_write(volatile int *p)
{
	*p = 1;
	NO_TAIL_CALL();
}

NESTED void crash_middle(volatile int *p)
{
	crash_write(p);
	NO_TAIL_CALL();
}

NESTED void crash_outer(void)
{
	int *volatile unmapped = (int *)16;

	crash_middle(unmapped);
	NO_TAIL_CALL();
}

NESTED void crash_abort(void)
{
	abort();
}

static void body_abort(void)
{
	crash_abort();
	NO_TAIL_CALL();
}

NESTED void crash_call(void (*f)(void))
{
	f();
	NO_TAIL_CALL();
}

NESTED void crash_call_outer(void (*f)(void))
{
	crash_call(f);
	NO_TAIL_CALL();
}

static void body_call_null(void)
{
	void (*volatile f)(void) = NULL;

	crash_call_outer(f);
	NO_TAIL_CALL();
}

static void body_call_unmapped(void)
{
	void (*volatile f)(void) = (void (*)(void))(uintptr_t)0x4141414141;

	crash_call_outer(f);
	NO_TAIL_CALL();
}

static void body_call_noncanonical(void)
{
	void (*volatile f)(void) = (void (*)(void))(uintptr_t)0xdeadbeefdeadbeef;

	crash_call_outer(f);
	NO_TAIL_CALL();
}

static void body_call_data(void)
{
	static char data[4096];
	void (*volatile f)(void) = (void (*)(void))(uintptr_t)data;

	crash_call_outer(f);
	NO_TAIL_CALL();
}

NESTED int crash_recurse(volatile int *depth)
{
	volatile int here = *depth + 1;
	int r;

	if (here < 0)
		return 0;
	r = crash_recurse(&here);
	NO_TAIL_CALL();
	return r + here;
}

static void body_overflow(void)
{
	struct rlimit limit = {.rlim_cur = 1 << 20, .rlim_max = 1 << 20};
	volatile int depth = 0;

	setrlimit(RLIMIT_STACK, &limit);
	crash_recurse(&depth);
}

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

NESTED void crash_in_thread(void)
{
	int *volatile unmapped = (int *)16;

	crash_write(unmapped);
	NO_TAIL_CALL();
}

static void *thread_body(void *arg)
{
	(void)arg;
	use_alternate_stack();
	crash_in_thread();
	return NULL;
}

static void body_thread(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, thread_body, NULL))
		_exit(6);
	pthread_join(t, NULL);
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

static char print_buffer[8192];

static const char *printed(const struct stack *s)
{
	if (stack_print(s, STACK_FRAMES, print_buffer, sizeof(print_buffer)) < 0)
		strcpy(print_buffer, "(too long)");
	return print_buffer;
}

static void expect_symbol(const struct stack *s, unsigned i, const char *symbol)
{
	if (i >= s->nframes || strcmp(s->frame[i].symbol, symbol))
		fail_msg("frame %u is not %s in: %s", i, symbol, printed(s));
}

static unsigned find_symbol(const struct stack *s, const char *symbol)
{
	unsigned i;

	for (i = 0; i < s->nframes; i++)
		if (!strcmp(s->frame[i].symbol, symbol))
			return i;
	fail_msg("no %s in: %s", symbol, printed(s));
	return 0;
}

static struct word crash_of(struct child *c, void (*body)(void), struct stack *s)
{
	struct word w;

	*c = child_start(body);
	w = child_word(c);
	assert_int_equal(stack_capture(c->pid, w.tid, w.ip, s), 0);
	return w;
}

static void test_bad_write(void **state)
{
	struct child c;
	struct stack s;
	struct word w = crash_of(&c, crash_outer, &s);

	(void)state;
	child_end(&c);
	expect_symbol(&s, 0, "crash_write");
	expect_symbol(&s, 1, "crash_middle");
	expect_symbol(&s, 2, "crash_outer");
	assert_true(find_symbol(&s, "main") > 2);
	assert_int_equal(s.frame[0].address, w.ip);
	assert_string_equal(s.frame[0].object, "stack_test");
	assert_string_equal(s.frame[1].object, "stack_test");
	assert_memory_equal(s.frame[0].source, "stack_test.c:", 13);
}

static void test_handler_frames_are_kept_without_the_ip(void **state)
{
	struct child c = child_start(crash_outer);
	struct word w = child_word(&c);
	struct stack all, unknown;

	(void)state;
	assert_int_equal(stack_capture(c.pid, w.tid, 0, &all), 0);
	assert_int_equal(stack_capture(c.pid, w.tid, w.ip + 1, &unknown), 0);
	child_end(&c);
	assert_true(find_symbol(&all, "on_crash") < find_symbol(&all, "crash_write"));
	assert_true(find_symbol(&unknown, "on_crash") < find_symbol(&unknown, "crash_write"));
}

static void test_abort(void **state)
{
	struct child c;
	struct stack s;
	unsigned i;

	(void)state;
	crash_of(&c, body_abort, &s);
	child_end(&c);
	i = find_symbol(&s, "abort");
	expect_symbol(&s, i + 1, "crash_abort");
	expect_symbol(&s, i + 2, "body_abort");
	assert_memory_equal(s.frame[0].object, "libc.so", 7);
}

static void expect_call_into_nowhere(void (*body)(void), const char *name)
{
	struct child c;
	struct stack s;
	struct word w = crash_of(&c, body, &s);

	child_end(&c);
	/* a call to a non-canonical address faults at the call itself */
	if (s.frame[0].address == w.ip && strcmp(s.frame[0].symbol, "crash_call")) {
		expect_symbol(&s, 1, "crash_call");
		expect_symbol(&s, 2, "crash_call_outer");
		expect_symbol(&s, 3, name);
	} else {
		expect_symbol(&s, 0, "crash_call");
		expect_symbol(&s, 1, "crash_call_outer");
		expect_symbol(&s, 2, name);
	}
	assert_true(find_symbol(&s, "main") > 2);
}

static void test_call_into_nowhere(void **state)
{
	(void)state;
	expect_call_into_nowhere(body_call_null, "body_call_null");
	expect_call_into_nowhere(body_call_unmapped, "body_call_unmapped");
	expect_call_into_nowhere(body_call_noncanonical, "body_call_noncanonical");
	expect_call_into_nowhere(body_call_data, "body_call_data");
}

static void test_stack_overflow(void **state)
{
	struct child c;
	struct stack s;
	unsigned i;

	(void)state;
	crash_of(&c, body_overflow, &s);
	child_end(&c);
	assert_int_equal(s.nframes, STACK_FRAMES);
	for (i = 0; i < s.nframes; i++)
		expect_symbol(&s, i, "crash_recurse");
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
	struct child c = child_start(hung_spin);
	struct word w = child_word(&c);
	uint64_t before;
	struct stack s;
	int r;

	(void)state;
	r = stack_capture(c.pid, w.tid, 0, &s);
	before = *spin_turns;
	while (*spin_turns == before) /* the test's time limit is the bound */
		sched_yield();
	assert_int_equal(state_of(c.pid, c.pid), 'R');
	child_end(&c);
	assert_int_equal(r, 0);
	find_symbol(&s, "hung_spin");
}

static void test_sleeper_sleeps_on(void **state)
{
	struct child c = child_start(body_sleep);
	struct word w = child_word(&c), again;
	struct stack s;
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(stack_capture(c.pid, w.tid, 0, &s), 0);
	find_symbol(&s, "body_sleep");
	fcntl(c.fd, F_SETFL, O_NONBLOCK);
	assert_int_equal(read(c.fd, &again, sizeof(again)), -1);
	assert_int_equal(errno, EAGAIN);
	assert_true(WIFSIGNALED(child_end(&c)));
}

static void test_other_thread(void **state)
{
	struct child c;
	struct stack s, main_stack;
	struct word w = crash_of(&c, body_thread, &s);

	(void)state;
	assert_int_not_equal(w.tid, c.pid);
	assert_int_equal(stack_capture(c.pid, c.pid, 0, &main_stack), 0);
	child_end(&c);
	expect_symbol(&s, 0, "crash_write");
	expect_symbol(&s, 1, "crash_in_thread");
	expect_symbol(&s, 2, "thread_body");
	find_symbol(&main_stack, "body_thread");
}

static void test_stopped_stays_stopped(void **state)
{
	struct child c = child_start(hung_spin);
	struct word w = child_word(&c);
	struct stack s;
	siginfo_t si;
	int status;

	(void)state;
	kill(c.pid, SIGSTOP);
	assert_int_equal(waitpid(c.pid, &status, WUNTRACED), c.pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(stack_capture(c.pid, w.tid, 0, &s), 0);
	find_symbol(&s, "hung_spin");
	assert_int_equal(state_of(c.pid, c.pid), 'T');
	kill(c.pid, SIGCONT);
	memset(&si, 0, sizeof(si));
	assert_int_equal(waitid(P_PID, (id_t)c.pid, &si, WCONTINUED), 0);
	assert_int_equal(si.si_code, CLD_CONTINUED);
	child_end(&c);
}

/* Each loop's bound is the test's time limit. */
static void test_uninterruptible(void **state)
{
	struct child c = child_start(body_uninterruptible);
	struct word w = child_word(&c);
	struct stack s;

	(void)state;
	while (state_of(c.pid, w.tid) != 'D')
		sched_yield();
	assert_int_equal(stack_capture(c.pid, w.tid, 0, &s), -ENODATA);
	assert_int_equal(s.nframes, 0);
	while (is_traced(c.pid, w.tid))
		sched_yield();
	assert_int_equal(stack_capture(c.pid, c.pid, 0, &s), 0);
	child_end(&c);
	find_symbol(&s, "body_uninterruptible");
}

static void test_gone(void **state)
{
	struct child c = child_start(hung_spin);
	struct word w = child_word(&c);
	struct stack s = {.nframes = 5};
	siginfo_t si;

	(void)state;
	kill(c.pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)c.pid, &si, WEXITED | WNOWAIT), 0);
	assert_int_equal(stack_capture(c.pid, w.tid, 0, &s), -ESRCH); /* a zombie */
	assert_int_equal(s.nframes, 0);
	child_end(&c); /* its status was left for us */
	assert_int_equal(stack_capture(c.pid, w.tid, 0, &s), -ESRCH);
	assert_int_equal(stack_capture(-1, -1, 0, &s), -ESRCH);
	assert_int_equal(stack_capture(0, 0, 0, &s), -ESRCH);
}

static void test_thread_of_another_process(void **state)
{
	struct child c = child_start(hung_spin);
	struct word w = child_word(&c);
	struct stack s;

	(void)state;
	assert_int_equal(stack_capture(getpid(), w.tid, 0, &s), -ESRCH);
	child_end(&c);
}

static void test_already_traced(void **state)
{
	int self_pid = getpid();
	struct stack s;

	(void)state;
	assert_int_equal(stack_capture(self_pid, self_pid, 0, &s), -EPERM);
}

/* A server that DEBUGINFOD_URLS names: nobody may ever come. */
static void test_no_network(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	struct child c;
	struct stack s;
	char url[64];

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(at.sin_port));
	setenv("DEBUGINFOD_URLS", url, 1);
	crash_of(&c, body_abort, &s);
	unsetenv("DEBUGINFOD_URLS");
	child_end(&c);
	find_symbol(&s, "crash_abort");
	assert_int_equal(accept(fd, NULL, NULL), -1);
	assert_int_equal(errno, EAGAIN);
	close(fd);
}

static void test_print(void **state)
{
	static const struct stack s = {
		.nframes = 4,
		.frame = {{.symbol = "free", .offset = 0x1c, .object = "libc.so.6"},
			  {.symbol = "main", .offset = 3, .object = "prog"},
			  {.offset = 0x10f0, .object = "libx.so", .address = 0x7f00000010f0},
			  {.address = 0x4141, .offset = 0x4141}}};
	static const char want[] = "free+0x1c (libc.so.6) < main+0x3 (prog) < libx.so+0x10f0 < "
				   "0x4141";
	char buf[128];

	(void)state;
	assert_int_equal(stack_print(&s, 24, buf, sizeof(buf)), sizeof(want) - 1);
	assert_string_equal(buf, want);
	assert_int_equal(stack_print(&s, 1, buf, sizeof(buf)), 21);
	assert_string_equal(buf, "free+0x1c (libc.so.6)");
	assert_int_equal(stack_print(&s, 0, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "");
	assert_int_equal(stack_print(&s, 24, buf, sizeof(want)), sizeof(want) - 1);
	assert_int_equal(stack_print(&s, 24, buf, sizeof(want) - 1), -ENOSPC);
	assert_int_equal(stack_print(&s, 24, buf, 0), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_write),
		cmocka_unit_test(test_handler_frames_are_kept_without_the_ip),
		cmocka_unit_test(test_abort),
		cmocka_unit_test(test_call_into_nowhere),
		cmocka_unit_test(test_stack_overflow),
		cmocka_unit_test(test_hung_spinner_goes_on),
		cmocka_unit_test(test_sleeper_sleeps_on),
		cmocka_unit_test(test_other_thread),
		cmocka_unit_test(test_stopped_stays_stopped),
		cmocka_unit_test(test_uninterruptible),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_thread_of_another_process),
		cmocka_unit_test(test_already_traced),
		cmocka_unit_test(test_no_network),
		cmocka_unit_test(test_print),
	};

	spin_turns = mmap(NULL, sizeof(*spin_turns), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (spin_turns == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
