/*
 * trap_signals.h - calls about signals, made from inside a signal handler.
 *
 * The return from the handler puts back the signal mask and the alternate stack that the thread had
 * when it was trapped: a call that changes them would be undone. And SIGSYS is the trap's own: it
 * must not be blocked while calls are dispatched (the kernel kills then), nor get another handler.
 *
 * So such a call is made in a harmless form, in which the kernel still judges its arguments, and
 * what it wanted is then written into the frame that the handler returns through.
 *
 * Left as they are: rt_sigsuspend, ppoll, pselect6, epoll_pwait and their like. Their masks hold
 * while they wait; handlers that run then run inside ours, where no call is dispatched, so that a
 * blocked SIGSYS is not missed.
 */
#ifndef KERNEL_TRAP_SIGNALS_H
#define KERNEL_TRAP_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

#include "harness/kernel/kernel_call.h"

/* struct sigaction as the kernel has it. */
struct kernel_sigaction {
	void (*handler)(int); /* with SA_SIGINFO, one of three parameters */
	uint64_t flags;
	void (*restorer)(void);
	uint64_t mask;
};

/* One trapped call on its way through the handler. */
struct trapped {
	struct kernel_call call; /* as it will be made */
	uint64_t arg[6];	 /* as the allocator gave them */
	ucontext_t *uc;
	struct kernel_sigaction act; /* of rt_sigaction: a copy of the new one */
	bool has_act;
};

/* Before the call is made or refused: puts its harmless form into t->call. */
void trap_signals_prepare(struct trapped *t);

/* Afterwards: does in the frame what was asked, and completes the result. */
void trap_signals_finish(struct trapped *t);

/* 0 or -errno; either pointer may be NULL. */
int trap_signals_action(int signo, const struct kernel_sigaction *act,
			struct kernel_sigaction *ret_old);

/* What the others believe to be the action of SIGSYS. */
void trap_signals_keep(const struct kernel_sigaction *act);
const struct kernel_sigaction *trap_signals_kept(void);

/* Handlers that are installed do not block SIGSYS while they run. */
void trap_signals_open_masks(void);

#endif
