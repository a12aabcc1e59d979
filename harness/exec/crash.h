/*
 * crash.h - what the child does when it crashes: one record, one byte, then it stands still.
 *
 * The thread that crashes first fills shared->crash[proc], writes the byte `proc` to the notify
 * descriptor and sleeps for ever in its signal handler, so that the controller can walk its stack
 * before it kills the process. A thread that crashes later only sleeps. When not even that works,
 * because the crash destroyed what the handler needs, the process dies of the signal.
 *
 * A guard makes faults in one range survivable: the harness touches memory that the allocator
 * says is usable. It belongs to the thread that armed it; one per thread:
 *
 *	if (sigsetjmp(g.env, 0) == 0) {
 *		crash_guard_arm(&g);
 *		... touch [g.start, g.end) ...
 *		crash_guard_disarm();
 *	} else {
 *		... g.fault is the address, g.signal SIGSEGV or SIGBUS; the guard is disarmed ...
 *	}
 *
 * No signal mask has to be saved: the handlers block nothing, and what an allocator's handler that
 * came before them blocked is unblocked.
 *
 * Child only: libc alone, no allocation, no stdio, no locks. Errors: 0 or -errno.
 */
#ifndef EXEC_CRASH_H
#define EXEC_CRASH_H

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/arena.h"

struct run_shared;
struct position;

struct crash_guard {
	uintptr_t start, end;
	sigjmp_buf env;
	volatile uintptr_t fault;
	volatile int signal;
};

size_t crash_arena_bytes(unsigned threads);

/*
 * Takes the stacks of `threads` threads from the arena and installs handlers for SIGSEGV, SIGBUS,
 * SIGILL, SIGFPE, SIGABRT, SIGTRAP and SIGSYS. `shared` stays the caller's and mapped. Changes
 * nothing when it fails (-EINVAL for a `proc` that has no record, -ENOMEM for a full arena).
 */
int crash_install(struct run_shared *shared, struct arena *a, unsigned threads, unsigned proc,
		  int notify_fd);

/*
 * Gives the calling thread, which is number `i`, its signal stack: sigaltstack(2) is per thread,
 * so every program thread, the first included, has to call this. Without it a stack overflow kills
 * the process with no record.
 */
int crash_thread_stack(unsigned i);

/*
 * Where the calling thread is: it runs lines of a parallel section as thread `i`. NULL: it is where
 * its process is.
 */
void crash_thread_lane(const struct position *lane, unsigned i);

/* The calling thread is about to fork: its child is process `proc`. */
void crash_before_fork(unsigned proc);

/*
 * In the child of a fork(), which has the handlers and the calling thread's signal stack already:
 * crashes go to the record of `proc` from here on. -EINVAL where there is none: the process then
 * dies of its signal, rather than writing into another's record.
 */
int crash_after_fork(unsigned proc);

/*
 * Faults that a program asks for (it touches an inaccessible mapping) are the harness's to catch,
 * whatever handlers and masks the allocator has set up for itself: those are put back afterwards.
 */
struct crash_handlers {
	struct sigaction segv, bus;
	sigset_t mask;
};

void crash_handlers_take(struct crash_handlers *h);
void crash_handlers_give_back(const struct crash_handlers *h);

void crash_guard_arm(struct crash_guard *g);
void crash_guard_disarm(void);

#endif
