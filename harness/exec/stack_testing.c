#include "harness/exec/stack_testing.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

static int out_fd; /* in the process: the write end */

void tell(uint64_t ip)
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

void use_alternate_stack(void)
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

static void report(void (*body)(void), int fd)
{
	out_fd = fd;
	catch_crashes();
	body();
	_exit(7);
}

struct process reporter_start(void (*body)(void))
{
	return process_start(report, body);
}

struct word reporter_word(const struct process *p)
{
	struct word w;

	assert_int_equal(read(p->fd, &w, sizeof(w)), sizeof(w));
	return w;
}

static char print_buffer[8192];

static const char *printed(const struct stack *s)
{
	if (stack_print(s, STACK_FRAMES, print_buffer, sizeof(print_buffer)) < 0)
		return "(too long)";
	return print_buffer;
}

void expect_symbol(const struct stack *s, unsigned i, const char *symbol)
{
	if (i >= s->nframes || strcmp(s->frame[i].symbol, symbol) != 0)
		fail_msg("frame %u is not %s in: %s", i, symbol, printed(s));
}

unsigned find_symbol(const struct stack *s, const char *symbol)
{
	unsigned i;

	for (i = 0; i < s->nframes; i++)
		if (!strcmp(s->frame[i].symbol, symbol))
			return i;
	fail_msg("no %s in: %s", symbol, printed(s));
	return 0;
}
