#include "harness/kernel/trap_fixture.h"

#include <setjmp.h>
#include <sys/epoll.h>
#include <time.h>

#include "harness/kernel/trap_signals.h"

static volatile int handled;

static void on_signal_calling(int signo)
{
	(void)signo;
	handled++;
	char *p = map_some(5);

	CHECK(p != MAP_FAILED);
	CHECK_EQ(munmap(p, 5 * PAGE), 0);
}

static void handle(int signo, void (*handler)(int))
{
	struct sigaction act = {.sa_handler = handler};

	sigfillset(&act.sa_mask);
	CHECK_EQ(sigaction(signo, &act, NULL), 0);
}

/* Delivered when the trapped call has returned: the selector is on, so the handler is seen, and
 * it goes back through libc's trampoline. Its mask would block SIGSYS. */
CHILD_TEST(an_unblocked_signals_handler_is_seen)
{
	sigset_t set;

	signals_setup();
	trap_on();
	handle(SIGUSR1, on_signal_calling);
	trap_off();
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(TRAPPED(sigprocmask(SIG_BLOCK, &set, NULL)), 0);
	raise(SIGUSR1);
	CHECK_EQ(handled, 0);
	trap_on();
	CHECK_EQ(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
	CHECK_EQ(trap_selector, 1);
	trap_off();
	CHECK_EQ(handled, 1);
	CHECK_EQ(count_seen(SYS_mmap), 1);
	CHECK_EQ(count_seen(SYS_munmap), 1);
}

/* A handler from before the trap, which blocks all signals. */
CHILD_TEST(older_handlers_do_not_block_sigsys)
{
	struct kernel_sigaction act;

	handle(SIGSEGV, on_signal_calling);
	handle(SIGUSR1, on_signal_calling);
	signals_setup();
	CHECK_EQ(trap_signals_action(SIGUSR1, NULL, &act), 0);
	CHECK_EQ(act.mask & (SYS | USR2), USR2);
	CHECK_EQ(act.handler == on_signal_calling, 1);
}

/* raise() inside: the handler runs inside ours, unseen; the selector is right afterwards. */
CHILD_TEST(a_handler_inside_the_trap)
{
	signals_setup();
	handle(SIGUSR1, on_signal_calling);
	trap_on();
	CHECK_EQ(raise(SIGUSR1), 0);
	CHECK_EQ(trap_selector, 1);
	trap_off();
	CHECK_EQ(handled, 1);
	CHECK_EQ(count_seen(SYS_tgkill), 1);
	CHECK_EQ(count_seen(SYS_mmap), 0);
}

static void open_page(int signo)
{
	(void)signo;
	handled++;
	CHECK_EQ(mprotect(no_access, PAGE, PROT_READ | PROT_WRITE), 0);
}

static void fault_once(void)
{
	trap_on();
	*(volatile char *)no_access = 1;
	CHECK_EQ(trap_selector, 1);
	trap_off();
	CHECK_EQ(handled, 1);
	CHECK_EQ(count_seen(SYS_mprotect), 1);
}

CHILD_TEST(a_fault_handler_of_the_allocators)
{
	signals_setup();
	trap_on();
	handle(SIGSEGV, open_page);
	trap_off();
	fault_once();
}

static sigjmp_buf jump;

static void jump_out(int signo)
{
	(void)signo;
	handled++;
	siglongjmp(jump, 1);
}

CHILD_TEST(a_jump_out_of_a_handler)
{
	signals_setup();
	trap_on();
	handle(SIGSEGV, jump_out);
	if (sigsetjmp(jump, 1) == 0)
		*(volatile char *)no_access = 1;
	CHECK_EQ(handled, 1);
	CHECK_EQ(trap_selector, 1);
	call_something();
	trap_off();
	CHECK_EQ(mask_now(), 0);
	CHECK_EQ(count_seen(SYS_getppid), 1);
}

#ifdef __x86_64__

/* An allocator without libc, with a trampoline of its own. */
void own_trampoline(void);
__asm__(".text\n"
	".type own_trampoline, @function\n"
	"own_trampoline:\n"
	"	mov $15, %eax\n"
	"	syscall\n"
	"	ud2\n"
	".size own_trampoline, . - own_trampoline\n");

CHILD_TEST(a_trampoline_of_its_own)
{
	struct kernel_sigaction act = {.handler = open_page,
				       .flags = 0x04000000, /* SA_RESTORER */
				       .restorer = own_trampoline,
				       .mask = ~UINT64_C(0)};

	signals_setup();
	CHECK_EQ(TRAPPED(trap_signals_action(SIGSEGV, &act, NULL)), 0);
	set_mask(USR2);
	fault_once();
	CHECK_EQ(mask_now(), USR2);
	CHECK_EQ(count_seen(SYS_rt_sigreturn), 0);
}

#endif

static void on_alternate(int signo)
{
	stack_t now, other = {.ss_flags = SS_DISABLE};

	(void)signo;
	handled++;
	CHECK_EQ(sigaltstack(NULL, &now), 0);
	CHECK_EQ(now.ss_flags, SS_ONSTACK);
	CHECK_EQ(sigaltstack(&other, NULL), -1);
	CHECK_EQ(errno, EPERM);
	open_page(signo);
	handled--;
}

/* Trapped calls in a handler on the alternate stack. */
CHILD_TEST(on_the_alternate_stack)
{
	struct sigaction act = {.sa_handler = on_alternate, .sa_flags = SA_ONSTACK};

	signals_setup();
	stack_t area = {.ss_sp = map_some(16), .ss_size = 16 * PAGE};

	CHECK_EQ(sigaltstack(&area, NULL), 0);
	CHECK_EQ(sigaction(SIGSEGV, &act, NULL), 0);
	fault_once();
	CHECK_EQ(count_seen(SYS_sigaltstack), 2);
	stack_t now = {0};

	CHECK_EQ(sigaltstack(NULL, &now), 0);
	CHECK_EQ((uintptr_t)now.ss_sp, (uintptr_t)area.ss_sp);
	CHECK_EQ(now.ss_size, area.ss_size);
	CHECK_EQ(now.ss_flags, 0);
}

/* Calls that wait, with a mask for that time. */

static void count_signal(int signo)
{
	(void)signo;
	handled++;
}

static void wait_with(uint64_t mask, int64_t (*wait)(const uint64_t *mask))
{
	int before = handled;

	set_mask(USR1);
	raise(SIGUSR1);
	trap_on();
	int64_t result = wait(&mask);

	CHECK_EQ(trap_selector, 1);
	call_something();
	trap_off();
	CHECK_EQ(result, -EINTR);
	CHECK_EQ(handled, before + 1);
	CHECK_EQ(mask_now(), USR1);
}

static int64_t by_sigsuspend(const uint64_t *mask)
{
	return RAW_SYSCALL(SYS_rt_sigsuspend, raw_pointer(mask), MASK_BYTES);
}

static int64_t by_ppoll(const uint64_t *mask)
{
	return RAW_SYSCALL(SYS_ppoll, 0, 0, 0, raw_pointer(mask), MASK_BYTES);
}

static int64_t by_pselect(const uint64_t *mask)
{
	const uint64_t pair[2] = {raw_pointer(mask), MASK_BYTES};

	return RAW_SYSCALL(SYS_pselect6, 0, 0, 0, 0, 0, raw_pointer(pair));
}

static int64_t by_epoll(const uint64_t *mask)
{
	struct epoll_event event;
	int fd = epoll_create1(EPOLL_CLOEXEC);
	int64_t result = RAW_SYSCALL(SYS_epoll_pwait, (uint64_t)fd, raw_pointer(&event), 1,
				     (uint64_t)-1, raw_pointer(mask), MASK_BYTES);

	close(fd);
	return result;
}

/* The mask has SIGSYS in it, and so has what the handler makes of it. */
CHILD_TEST(waits_that_block_sigsys)
{
	static int64_t (*const waits[])(const uint64_t *) = {by_sigsuspend, by_ppoll, by_pselect,
							     by_epoll};

	signals_setup();
	handle(SIGUSR1, on_signal_calling);
	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++)
		wait_with(~USR1, waits[i]);
}

static timer_t tick_every(long ns)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec spec = {.it_interval.tv_nsec = ns, .it_value.tv_nsec = ns};
	timer_t timer;

	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	CHECK_EQ(timer_settime(timer, 0, &spec, NULL), 0);
	return timer;
}

static int64_t by_futex(void)
{
	uint32_t word = 0;

	return RAW_SYSCALL(SYS_futex, raw_pointer(&word), 0 /* FUTEX_WAIT */, 0, 0);
}

static int64_t by_nanosleep(void)
{
	struct timespec day = {.tv_sec = 86400};

	return RAW_SYSCALL(SYS_nanosleep, raw_pointer(&day), 0);
}

CHILD_TEST(a_signal_ends_a_wait)
{
	static int64_t (*const waits[])(void) = {by_futex, by_nanosleep};

	signals_setup();
	handle(SIGUSR1, count_signal);
	timer_t timer = tick_every(1000000);

	for (size_t i = 0; i < sizeof(waits) / sizeof(*waits); i++) {
		CHECK_EQ(TRAPPED(waits[i]()), -EINTR);
		CHECK(handled > (int)i);
	}
	timer_delete(timer);
}

/* Signals at any moment, also between the kernel's entry to our handler and its first line: no
 * call of ours is missed, and none of the handler's is lost on its way. */
CHILD_TEST(signals_at_any_moment)
{
	const uint32_t pairs = 30000;

	signals_setup();
	trap_on();
	handle(SIGUSR1, on_signal_calling);
	trap_off();
	timer_t timer = tick_every(70000);

	trap_on();
	for (uint32_t i = 0; i < pairs; i++) {
		char *p = map_some(3);

		CHECK(p != MAP_FAILED);
		CHECK_EQ(munmap(p, 3 * PAGE), 0);
		CHECK_EQ(trap_selector, 1);
	}
	trap_off();
	timer_delete(timer);
	CHECK(handled > 0);
	CHECK(nseen >= 2 * pairs);
	CHECK(nseen <= 2 * pairs + 2 * (uint32_t)handled);
}

/* Nor is it blocked for the moment between a trapped call that would block it and its return. */
CHILD_TEST(signals_while_sigsys_would_get_blocked)
{
	const uint64_t set = SYS | USR2;

	signals_setup();
	trap_on();
	handle(SIGUSR1, on_signal_calling);
	trap_off();
	timer_t timer = tick_every(50000);

	trap_on();
	for (uint32_t i = 0; i < 50000; i++)
		(void)RAW_SYSCALL(SYS_rt_sigprocmask, i % 2 ? SIG_BLOCK : SIG_SETMASK,
				  raw_pointer(&set), 0, MASK_BYTES);
	trap_off();
	timer_delete(timer);
	CHECK(handled > 0);
	CHECK_EQ(mask_now(), USR2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unblocked_signals_handler_is_seen),
		cmocka_unit_test(older_handlers_do_not_block_sigsys),
		cmocka_unit_test(a_handler_inside_the_trap),
		cmocka_unit_test(a_fault_handler_of_the_allocators),
		cmocka_unit_test(a_jump_out_of_a_handler),
#ifdef __x86_64__
		cmocka_unit_test(a_trampoline_of_its_own),
#endif
		cmocka_unit_test(on_the_alternate_stack),
		cmocka_unit_test(waits_that_block_sigsys),
		cmocka_unit_test(a_signal_ends_a_wait),
		cmocka_unit_test(signals_at_any_moment),
		cmocka_unit_test(signals_while_sigsys_would_get_blocked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
