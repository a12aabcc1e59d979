#include "harness/kernel/trap_signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "harness/kernel/raw_syscall.h"

#define MASK_BYTES  sizeof(uint64_t) /* of the kernel's sigset_t; libc's is longer */
#define SIGNALS	    64
#define MASK_SIGSYS (UINT64_C(1) << (SIGSYS - 1))

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

static struct kernel_sigaction kept;

void trap_signals_keep(const struct kernel_sigaction *act)
{
	kept = *act;
}

const struct kernel_sigaction *trap_signals_kept(void)
{
	return &kept;
}

int trap_signals_action(int signo, const struct kernel_sigaction *act,
			struct kernel_sigaction *ret_old)
{
	return (int)RAW_SYSCALL(SYS_rt_sigaction, (uint64_t)signo, raw_pointer(act),
				raw_pointer(ret_old), MASK_BYTES);
}

void trap_signals_open_masks(void)
{
	struct kernel_sigaction act = {0};

	for (int signo = 1; signo <= SIGNALS; signo++) {
		if (trap_signals_action(signo, NULL, &act) != 0 || !(act.mask & MASK_SIGSYS))
			continue;
		act.mask &= ~MASK_SIGSYS;
		(void)trap_signals_action(signo, &act, NULL); /* SIGKILL and SIGSTOP have none */
	}
}

/* The frame holds the kernel's 8 bytes; what libc's type has beyond them is something else. */
static uint64_t frame_mask(const ucontext_t *uc)
{
	uint64_t mask;

	memcpy(&mask, &uc->uc_sigmask, MASK_BYTES);
	return mask;
}

static void frame_set_mask(ucontext_t *uc, uint64_t mask)
{
	mask &= ~MASK_SIGSYS;
	memcpy(&uc->uc_sigmask, &mask, MASK_BYTES);
}

static void *user_pointer(uint64_t arg)
{
	return (void *)(uintptr_t)arg;
}

/*
 * The kernel reads the new set and blocks more for the rest of the handler: what it would unblock
 * is delivered after the return, which puts the frame's mask in place, and is seen there.
 */
static void mask_prepare(struct trapped *t)
{
	int how = (int)t->arg[0];

	if (!t->arg[1])
		return;
	if (how == SIG_UNBLOCK || how == SIG_SETMASK)
		t->call.arg[0] = SIG_BLOCK;
	t->call.arg[2] = 0;
}

/* Before the selector is on again: a signal may come between that and the return. */
static void unblock_sigsys(void)
{
	const uint64_t set = MASK_SIGSYS;

	(void)RAW_SYSCALL(SYS_rt_sigprocmask, SIG_UNBLOCK, raw_pointer(&set), 0, MASK_BYTES);
}

static void mask_finish(struct trapped *t)
{
	uint64_t set, old = frame_mask(t->uc);

	if (!t->arg[1] || t->call.result != 0)
		return;
	memcpy(&set, user_pointer(t->arg[1]), MASK_BYTES);
	if (set & MASK_SIGSYS)
		unblock_sigsys();
	switch ((int)t->arg[0]) {
	case SIG_BLOCK:
		frame_set_mask(t->uc, old | set);
		break;
	case SIG_UNBLOCK:
		frame_set_mask(t->uc, old & ~set);
		break;
	default:
		frame_set_mask(t->uc, set);
	}
	if (!t->arg[2])
		return;
	/* The kernel says whether it can be written; what it writes is the mask in here. */
	t->call.result = RAW_SYSCALL(SYS_rt_sigprocmask, SIG_BLOCK, 0, t->arg[2], MASK_BYTES);
	t->call.err = kernel_errno(t->call.result);
	if (t->call.result == 0)
		memcpy(user_pointer(t->arg[2]), &old, MASK_BYTES);
}

/* SIGKILL takes no action, which the kernel says only after it has read one. */
static bool action_is_readable(uint64_t act)
{
	return RAW_SYSCALL(SYS_rt_sigaction, SIGKILL, act, 0, MASK_BYTES) == -EINVAL;
}

static void action_prepare(struct trapped *t)
{
	uint64_t act = t->arg[1];

	t->has_act = false;
	if (!act || t->arg[3] != MASK_BYTES || !action_is_readable(act))
		return; /* the kernel says what is wrong */
	memcpy(&t->act, user_pointer(act), sizeof(t->act));
	t->has_act = true;
	if ((int)t->arg[0] == SIGSYS) {
		t->call.arg[1] = 0;
	} else if (t->act.mask & MASK_SIGSYS) {
		t->act.mask &= ~MASK_SIGSYS;
		t->call.arg[1] = raw_pointer(&t->act);
	}
}

static void action_finish(struct trapped *t)
{
	if ((int)t->arg[0] != SIGSYS)
		return;
	/* The kernel has written ours: it is none of their business. */
	if (t->call.result == 0 && t->arg[2])
		memcpy(user_pointer(t->arg[2]), &kept, sizeof(kept));
	/* An old one that cannot be written does not undo the new. */
	if (t->has_act)
		trap_signals_keep(&t->act);
}

/* A stack that is disarmed while handlers run is so in here: the call is to see it armed. */
static void stack_prepare(struct trapped *t)
{
	if ((unsigned)t->uc->uc_stack.ss_flags & SS_AUTODISARM)
		(void)RAW_SYSCALL(SYS_sigaltstack, raw_pointer(&t->uc->uc_stack), 0);
}

static void stack_finish(struct trapped *t)
{
	(void)RAW_SYSCALL(SYS_sigaltstack, 0, raw_pointer(&t->uc->uc_stack));
}

void trap_signals_prepare(struct trapped *t)
{
	switch (t->call.nr) {
	case SYS_rt_sigprocmask:
		mask_prepare(t);
		break;
	case SYS_rt_sigaction:
		action_prepare(t);
		break;
	case SYS_sigaltstack:
		stack_prepare(t);
		break;
	default:
		break;
	}
}

void trap_signals_finish(struct trapped *t)
{
	if (t->call.injected)
		return;
	switch (t->call.nr) {
	case SYS_rt_sigprocmask:
		mask_finish(t);
		break;
	case SYS_rt_sigaction:
		action_finish(t);
		break;
	case SYS_sigaltstack:
		stack_finish(t);
		break;
	default:
		break;
	}
}
