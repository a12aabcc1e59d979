/* Stacks of processes that crashed, and stacks as text. */
#include "harness/exec/stack.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/exec/stack_testing.h"

void crash_write(volatile int *p);
void crash_middle(volatile int *p);
void crash_outer(void);
void crash_abort(void);
void crash_call(void (*f)(void));
void crash_call_outer(void (*f)(void));
int crash_recurse(volatile int *depth);
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

static struct word crash_of(struct process *c, void (*body)(void), struct stack *s)
{
	struct word w;

	*c = reporter_start(body);
	w = reporter_word(c);
	assert_int_equal(stack_capture(c->pid, w.tid, w.ip, s), 0);
	return w;
}

static void test_bad_write(void **state)
{
	struct process c;
	struct stack s;
	struct word w = crash_of(&c, crash_outer, &s);

	(void)state;
	process_end(&c);
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
	struct process c = reporter_start(crash_outer);
	struct word w = reporter_word(&c);
	struct stack all, unknown;

	(void)state;
	assert_int_equal(stack_capture(c.pid, w.tid, 0, &all), 0);
	assert_int_equal(stack_capture(c.pid, w.tid, w.ip + 1, &unknown), 0);
	process_end(&c);
	assert_true(find_symbol(&all, "on_crash") < find_symbol(&all, "crash_write"));
	assert_true(find_symbol(&unknown, "on_crash") < find_symbol(&unknown, "crash_write"));
}

static void test_abort(void **state)
{
	struct process c;
	struct stack s;
	unsigned i;

	(void)state;
	crash_of(&c, body_abort, &s);
	process_end(&c);
	i = find_symbol(&s, "abort");
	expect_symbol(&s, i + 1, "crash_abort");
	expect_symbol(&s, i + 2, "body_abort");
	assert_memory_equal(s.frame[0].object, "libc.so", 7);
}

static void expect_call_into_nowhere(void (*body)(void), const char *name)
{
	struct process c;
	struct stack s;
	struct word w = crash_of(&c, body, &s);

	process_end(&c);
	/* a call to a non-canonical address faults at the call itself */
	if (s.frame[0].address == w.ip && strcmp(s.frame[0].symbol, "crash_call") != 0) {
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
	struct process c;
	struct stack s;
	unsigned i;

	(void)state;
	crash_of(&c, body_overflow, &s);
	process_end(&c);
	assert_int_equal(s.nframes, STACK_FRAMES);
	for (i = 0; i < s.nframes; i++)
		expect_symbol(&s, i, "crash_recurse");
}

static void test_other_thread(void **state)
{
	struct process c;
	struct stack s, main_stack;
	struct word w = crash_of(&c, body_thread, &s);

	(void)state;
	assert_int_not_equal(w.tid, c.pid);
	assert_int_equal(stack_capture(c.pid, c.pid, 0, &main_stack), 0);
	process_end(&c);
	expect_symbol(&s, 0, "crash_write");
	expect_symbol(&s, 1, "crash_in_thread");
	expect_symbol(&s, 2, "thread_body");
	find_symbol(&main_stack, "body_thread");
}

/* A server that DEBUGINFOD_URLS names: nobody may ever come. */
static void test_no_network(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	struct process c;
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
	process_end(&c);
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
		cmocka_unit_test(test_other_thread),
		cmocka_unit_test(test_no_network),
		cmocka_unit_test(test_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
