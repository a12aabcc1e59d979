/*
 * trap.h - sees every system call that a thread makes while it is inside an allocator call.
 *
 * Syscall User Dispatch (prctl 59, Linux 5.11, x86-64): while the thread's selector byte says so,
 * a system call is not made but raises SIGSYS; the handler here hands it to one function, which
 * makes or refuses it, and returns its result to the caller. The byte is set around allocator
 * calls: a call that enters no kernel costs two stores.
 *
 * A thread that is not armed is not seen: dispatch is per thread and neither a new thread nor a
 * fork child inherits it. Inside a trapped call the byte is off, so whatever the handler calls may
 * enter the kernel; the one trampoline of libc through which a handler returns is always let pass.
 *
 * Passed by, because they cannot be made from a handler: clone, clone3, fork, vfork; pkey_alloc and
 * arch_prctl, whose effect on registers the return from a handler would undo; calls through another
 * table than the native one. The byte goes off, they are made where they stand, and the rest of
 * that allocator call is not seen (trap_passed_by).
 *
 * SIGSYS is never blocked: a mask that would is applied without it. An action of the allocator's
 * own for SIGSYS is kept and reported back, not installed: it gets the SIGSYS that are none of
 * ours. Of calls about signals the trap function sees the form that a handler can make
 * (trap_signals.h).
 *
 * Syscall User Dispatch of the allocator's own is answered as the kernel answers it, and then ours
 * is put back: its calls go on being seen, and none of them raises a SIGSYS for it.
 *
 * A handler of the allocator's that interrupts a trapped call is not seen. A handler of the
 * harness's own that may interrupt an allocator call begins with trap_off.
 *
 * Errors: 0 or -errno.
 */
#ifndef KERNEL_TRAP_H
#define KERNEL_TRAP_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/kernel/kernel_call.h"

/*
 * Makes (kernel_call_make) or refuses the call: nr, arg and caller are set. `ip` is where
 * the allocator goes on, behind its system call instruction. Runs in the SIGSYS handler:
 * async-signal-safe, allocates nothing.
 */
typedef void (*trap_fn)(void *ctx, struct kernel_call *call, uintptr_t ip);

/*
 * Installs the SIGSYS handler for the process; a SIGSYS that is none of ours goes on to the handler
 * that was there before (install those first). Takes SIGSYS out of the masks of the handlers that
 * are there. Again with another function: that one takes over. -ENOTSUP where the kernel has no
 * dispatch, with `ret_reason` (never NULL then) in words for people.
 */
int trap_install(trap_fn fn, void *ctx, const char **ret_reason);

/*
 * Told, in the handler, of a call that passes by, right before it is made: by fork() behind all
 * handlers that libc and the allocator run before it. NULL: nobody.
 */
typedef void (*trap_pass_fn)(void *ctx, const struct kernel_call *call);
void trap_tell_passed(trap_pass_fn fn);

/*
 * Arms the calling thread, with its selector off. Every thread of a program, and the thread that a
 * fork child has, calls it. Unblocks SIGSYS. -ENOTSUP before trap_install.
 */
int trap_arm_thread(void);

/* Off for good, before a thread ends or the handler goes. Harmless on one that is not armed. */
void trap_disarm_thread(void);

/* How many calls of this thread passed by unseen since the last question. */
unsigned trap_passed_by(void);

/* TLS of the executable: initial-exec, so that no access allocates. */
extern _Thread_local volatile uint8_t trap_selector __attribute__((tls_model("initial-exec")));

/* Around what is to be seen. On a thread that is not armed they do nothing. */
static inline void trap_on(void)
{
	__asm__ volatile("" ::: "memory");
	trap_selector = 1;
	__asm__ volatile("" ::: "memory");
}

static inline void trap_off(void)
{
	__asm__ volatile("" ::: "memory");
	trap_selector = 0;
	__asm__ volatile("" ::: "memory");
}

#endif
