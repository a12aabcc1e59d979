/* Whom guard's handler passes a fault on to: what was there when the first block was made. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "allocators/guard/guard.h"
#include "allocators/guard/test_child.h"

#define EXPECT(condition) ((condition) ? (void)0 : _exit(100 + __LINE__ % 100))

static volatile unsigned char *volatile block;
static sigjmp_buf back;
static volatile sig_atomic_t passed;

/* A block behind which one byte is reached, and guard's handler on top of `before`. */
static void begin(const struct sigaction *before)
{
	sigaction(SIGSEGV, before, NULL);
	setenv("GUARD_MODE", "fence", 1);
	errno = 1234;
	block = guard_malloc(32);
	EXPECT(errno == 1234);
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
	(void)context;
	EXPECT(signo == SIGSEGV && info->si_addr == (void *)(block + 32));
	passed++;
	siglongjmp(back, 1);
}

static void on_fault_plain(int signo)
{
	EXPECT(signo == SIGSEGV);
	passed++;
	siglongjmp(back, 1);
}

static void fault_once(void)
{
	if (sigsetjmp(back, 1) == 0)
		block[32] = 1;
}

static void handler_with_info(void)
{
	begin(&(struct sigaction){.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO});
	fault_once();
	EXPECT(passed == 1);
	guard_free(guard_malloc(1)); /* the lock is free */
	_exit(7);
}

static void handler_plain(void)
{
	begin(&(struct sigaction){.sa_handler = on_fault_plain});
	fault_once();
	EXPECT(passed == 1);
	_exit(7);
}

/* A handler that blocks nothing may leave without the mask: the next fault still comes. */
static void handler_without_mask(void)
{
	begin(&(struct sigaction){.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER});
	for (int i = 0; i < 3; i++) {
		if (sigsetjmp(back, 0) == 0)
			block[32] = 1;
	}
	EXPECT(passed == 3);
	_exit(7);
}

static void mask_is_applied(int signo)
{
	sigset_t now;

	sigprocmask(SIG_SETMASK, NULL, &now);
	EXPECT(sigismember(&now, SIGUSR1) && sigismember(&now, signo));
	passed++;
	siglongjmp(back, 1);
}

static void handler_with_mask(void)
{
	struct sigaction action = {.sa_handler = mask_is_applied};
	sigset_t now;

	sigaddset(&action.sa_mask, SIGUSR1);
	begin(&action);
	fault_once();
	sigprocmask(SIG_SETMASK, NULL, &now);
	EXPECT(passed == 1 && sigisemptyset(&now));
	_exit(7);
}

static void open_page(int signo)
{
	(void)signo;
	passed++;
	EXPECT(mmap((void *)(block + 32), 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == (void *)(block + 32));
}

/* A remedy: the access is made after all. */
static void handler_that_returns(void)
{
	begin(&(struct sigaction){.sa_handler = open_page});
	block[32] = 1;
	EXPECT(passed == 1 && block[32] == 1);
	_exit(7);
}

static void default_in_third(int signo)
{
	if (++passed == 3)
		sigaction(signo, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
}

/* No remedy: the same fault comes again and again, and is explained once. */
static void handler_that_only_returns(void)
{
	begin(&(struct sigaction){.sa_handler = default_in_third});
	block[32] = 1;
}

static void handler_that_is_reset(void)
{
	begin(&(struct sigaction){.sa_handler = on_fault_plain, .sa_flags = (int)SA_RESETHAND});
	fault_once();
	EXPECT(passed == 1);
	block[32] = 1;
}

static void no_handler(void)
{
	begin(&(struct sigaction){.sa_handler = SIG_DFL});
	block[32] = 1;
}

static void ignored(void)
{
	begin(&(struct sigaction){.sa_handler = SIG_IGN});
	block[32] = 1;
}

static void *fault_in_thread(void *arg)
{
	block[32] = 1;
	return arg;
}

static void in_thread(void)
{
	pthread_t thread;

	begin(&(struct sigaction){.sa_handler = SIG_DFL});
	EXPECT(pthread_create(&thread, NULL, fault_in_thread, NULL) == 0);
	pthread_join(thread, NULL);
}

static void fault_now(void)
{
	block[32] = 1;
}

static void in_fork_child(void)
{
	begin(&(struct sigaction){.sa_handler = SIG_DFL});
	struct ending e = child_run(fault_now);

	expect_signal(&e, SIGSEGV);
	EXPECT_LINE(&e, "guard: write of 0x", ": 1 byte behind block 0x");
	_exit(7);
}

/* Not in guard's memory. */
static void fault_elsewhere(void)
{
	begin(&(struct sigaction){.sa_handler = SIG_DFL});
	block = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	block[0] = 1;
}

static void fault_without_address(void)
{
	begin(&(struct sigaction){.sa_handler = SIG_DFL});
	block = (unsigned char *)0x8000000000000000u;
	block[0] = 1;
}

/* The program's own doing. */
static void fault_in_closed_block(void)
{
	begin(&(struct sigaction){.sa_handler = SIG_DFL});
	block = guard_memalign(4096, 4096);
	EXPECT(mprotect((void *)block, 4096, PROT_READ) == 0);
	block[0] = 1;
}

static void sent(void)
{
	begin(&(struct sigaction){.sa_handler = SIG_DFL});
	raise(SIGSEGV);
}

static void sent_and_ignored(void)
{
	begin(&(struct sigaction){.sa_handler = SIG_IGN});
	raise(SIGSEGV);
	_exit(7);
}

static void sent_to_handler(void)
{
	begin(&(struct sigaction){.sa_handler = on_fault_plain});
	if (sigsetjmp(back, 1) == 0)
		raise(SIGSEGV);
	EXPECT(passed == 1);
	_exit(7);
}

/* The handler may run on the signal stack alone. */
static void on_small_stack(void)
{
	static unsigned char stack[65536];
	const stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};

	EXPECT(sigaltstack(&ss, NULL) == 0);
	no_handler();
}

/* As the README says: then nothing is explained. */
static void later_handler(void)
{
	begin(&(struct sigaction){.sa_handler = SIG_DFL});
	sigaction(SIGSEGV, &(struct sigaction){.sa_handler = on_fault_plain}, NULL);
	fault_once();
	EXPECT(passed == 1);
	_exit(7);
}

struct way {
	void (*go)(void);
	int explained; /* lines */
	int ends;      /* a signal, or 0 for exit 7 */
};

static void test_ways(void **state)
{
	static const struct way ways[] = {
		{handler_with_info, 1, 0},
		{handler_plain, 1, 0},
		{handler_without_mask, 1, 0},
		{handler_with_mask, 1, 0},
		{handler_that_returns, 1, 0},
		{handler_that_only_returns, 1, SIGSEGV},
		{handler_that_is_reset, 1, SIGSEGV},
		{no_handler, 1, SIGSEGV},
		{ignored, 1, SIGSEGV},
		{in_thread, 1, SIGSEGV},
		{in_fork_child, 0, 0},
		{on_small_stack, 1, SIGSEGV},
		{fault_elsewhere, 0, SIGSEGV},
		{fault_without_address, 0, SIGSEGV},
		{fault_in_closed_block, 0, SIGSEGV},
		{sent, 0, SIGSEGV},
		{sent_and_ignored, 0, 0},
		{sent_to_handler, 0, 0},
		{later_handler, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct ending e = child_run(ways[i].go);

		if (ways[i].explained)
			EXPECT_LINE(&e, "guard: write of 0x", ": 1 byte behind block 0x",
				    " of 32 bytes, allocated by malloc, call 1\n");
		else
			expect_silence(&e);
		if (ways[i].ends)
			expect_signal(&e, ways[i].ends);
		else
			expect_exit(&e, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_ways)};

	unsetenv("GUARD_QUARANTINE");
	unsetenv("GUARD_QUARANTINE_BLOCKS");
	unsetenv("GUARD_ALIGN");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
