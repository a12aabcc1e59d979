#include "harness/kernel/trap.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "harness/kernel/raw_syscall.h"
#include "harness/kernel/trap_arch.h"
#include "harness/kernel/trap_signals.h"

/* linux/prctl.h and asm-generic/siginfo.h have these since 5.11. */
#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF	     0
#define PR_SYS_DISPATCH_ON	     1
#endif
#ifndef SYS_USER_DISPATCH
#define SYS_USER_DISPATCH 2
#endif

#define TRAP_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))

TRAP_LOCAL volatile uint8_t trap_selector;
static TRAP_LOCAL volatile unsigned passed_by;

static struct {
	trap_fn fn;
	trap_pass_fn pass_fn;
	void *ctx;
	uintptr_t trampoline; /* libc's rt_sigreturn: what may always enter the kernel */
	size_t trampoline_bytes;
} trap;

unsigned trap_passed_by(void)
{
	unsigned was = passed_by;

	passed_by = 0;
	return was;
}

/* As the kernel does it to a process that has no handler. */
static void die(void)
{
	const struct kernel_sigaction dfl = {.handler = SIG_DFL};

	trap_off();
	(void)trap_signals_action(SIGSYS, &dfl, NULL);
	(void)RAW_SYSCALL(SYS_tgkill, (uint64_t)RAW_SYSCALL(SYS_getpid, 0),
			  (uint64_t)RAW_SYSCALL(SYS_gettid, 0), SIGSYS);
}

/*
 * A SIGSYS that was sent, or that seccomp raised. It goes to whoever would have it without us, on
 * this stack, with this mask and the selector as it is.
 */
static void pass_on(int signo, siginfo_t *info, void *context)
{
	const struct kernel_sigaction *act = trap_signals_kept();

	if (act->handler == SIG_IGN && info->si_code <= 0)
		return; /* only what was sent can be ignored */
	if (act->handler == SIG_DFL || act->handler == SIG_IGN)
		die();
	else if (act->flags & SA_SIGINFO)
		((void (*)(int, siginfo_t *, void *))(void *)act->handler)(signo, info, context);
	else
		act->handler(signo);
}

static int64_t dispatch(int mode, const volatile uint8_t *selector)
{
	if (mode == PR_SYS_DISPATCH_OFF)
		return RAW_SYSCALL(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF);
	return RAW_SYSCALL(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, (uint64_t)mode, trap.trampoline,
			   trap.trampoline_bytes, (uint64_t)(uintptr_t)selector);
}

/* A thread has one selector. One of the allocator's would trap us in here. */
static void keep_dispatch(struct kernel_call *call)
{
	call->arg[2] = trap.trampoline;
	call->arg[3] = trap.trampoline_bytes;
	call->arg[4] = raw_pointer((const void *)&trap_selector);
}

static void make(uint32_t nr, uintptr_t ip, ucontext_t *uc)
{
	struct trapped t;

	t.call = (struct kernel_call){.nr = nr, .caller = CALLER_ALLOCATOR};
	t.uc = uc;
	trap_arch_arguments(uc, t.arg);
	memcpy(t.call.arg, t.arg, sizeof(t.arg));
	trap_signals_prepare(&t);
	bool dispatches = nr == SYS_prctl && t.arg[0] == PR_SET_SYSCALL_USER_DISPATCH;

	if (dispatches && t.arg[1] != PR_SYS_DISPATCH_OFF)
		keep_dispatch(&t.call);
	trap.fn(trap.ctx, &t.call, ip);
	trap_signals_finish(&t);
	if (dispatches)
		(void)dispatch(PR_SYS_DISPATCH_ON, &trap_selector);
	trap_arch_set_result(uc, t.call.result);
}

void trap_tell_passed(trap_pass_fn fn)
{
	trap.pass_fn = fn;
}

static void pass_by(uint32_t nr, ucontext_t *uc)
{
	struct kernel_call call = {.nr = nr, .caller = CALLER_ALLOCATOR};

	passed_by++;
	if (trap.pass_fn) {
		trap_arch_arguments(uc, call.arg);
		trap.pass_fn(trap.ctx, &call);
	}
	trap_arch_repeat(uc, nr);
}

/*
 * The selector was on, or there had been no signal. No signal is blocked in here: one that comes
 * before the selector is off, or after it is on again, may be trapped in its handler; one that
 * comes in between is not seen. Each leaves the selector as it was, or passed a call by.
 */
static void on_sigsys(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	if (info->si_code != SYS_USER_DISPATCH) {
		pass_on(signo, info, context);
		return;
	}
	trap_off();
	uint32_t nr = (uint32_t)info->si_syscall;

	if (!trap_arch_is_native(info) || trap_arch_must_pass(nr)) {
		pass_by(nr, uc);
		return;
	}
	if (nr == SYS_rt_sigreturn) {
		/* From a trampoline of the allocator's own; libc's does the same on this stack. */
		trap_arch_jump(uc, trap.trampoline);
	} else {
		int saved = errno;

		make(nr, (uintptr_t)info->si_call_addr, uc);
		errno = saved;
	}
	trap_on();
}

static int unsupported(const char *reason, const char **ret_reason)
{
	*ret_reason = reason;
	return -ENOTSUP;
}

/* The address that the kernel has of libc's trampoline, by way of the handler just installed. */
static int find_trampoline(void)
{
	struct kernel_sigaction act;
	int err = trap_signals_action(SIGSYS, NULL, &act);

	if (err)
		return err;
	trap.trampoline = (uintptr_t)act.restorer;
	trap.trampoline_bytes = trap.trampoline ? trap_arch_trampoline_bytes(trap.trampoline) : 0;
	return trap.trampoline_bytes ? 0 : -ENOTSUP;
}

static int handler_install(void)
{
	/* libc's sigaction: it brings the trampoline. Not blocked in itself: see on_sigsys. */
	struct sigaction act = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO | SA_NODEFER};
	struct kernel_sigaction old;
	int err = trap_signals_action(SIGSYS, NULL, &old);

	if (err)
		return err;
	if (old.handler != (void (*)(int))(void *)on_sigsys)
		trap_signals_keep(&old);
	return sigaction(SIGSYS, &act, NULL) < 0 ? -errno : 0;
}

int trap_install(trap_fn fn, void *ctx, const char **ret_reason)
{
	/* A selector that cannot be is refused last, so this changes nothing. */
	const volatile uint8_t *nowhere = (const volatile uint8_t *)UINTPTR_MAX;
	int err;

	if (!TRAP_ARCH_KNOWN)
		return unsupported("system calls are trapped on x86-64 only", ret_reason);
	if (dispatch(PR_SYS_DISPATCH_ON, nowhere) != -EFAULT)
		return unsupported("this kernel has no Syscall User Dispatch (Linux 5.11), or does "
				   "not let us",
				   ret_reason);
	trap.fn = fn;
	trap.ctx = ctx;
	err = handler_install();
	if (err)
		return err;
	err = find_trampoline();
	if (err == -ENOTSUP) {
		(void)trap_signals_action(SIGSYS, trap_signals_kept(), NULL);
		return unsupported("libc returns from signal handlers in a way that is not known",
				   ret_reason);
	}
	if (!err)
		trap_signals_open_masks();
	return err;
}

int trap_arm_thread(void)
{
	uint64_t set = UINT64_C(1) << (SIGSYS - 1);

	if (!trap.trampoline_bytes)
		return -ENOTSUP;
	trap_off();
	(void)RAW_SYSCALL(SYS_rt_sigprocmask, SIG_UNBLOCK, raw_pointer(&set), 0, sizeof(set));
	return (int)dispatch(PR_SYS_DISPATCH_ON, &trap_selector);
}

void trap_disarm_thread(void)
{
	trap_off();
	(void)dispatch(PR_SYS_DISPATCH_OFF, NULL);
}
