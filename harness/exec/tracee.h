/*
 * tracee.h - one thread of another process, held still by ptrace for a moment.
 *
 * Seized, not attached: no SIGSTOP is sent, so a process that was stopped is still stopped after
 * release and one that ran goes on, in a restarted system call where it slept in one. The thread
 * that stopped a tracee must be the one that peeks and releases; when that thread ends, the kernel
 * releases whatever it still holds, also a tracee that never came to a stop.
 *
 * Errors: 0 or -errno; -ESRCH for a thread that is not there or dead, -EPERM when the kernel does
 * not let us trace it, -ETIMEDOUT when it did not stop in time (uninterruptible sleep).
 */
#ifndef EXEC_TRACEE_H
#define EXEC_TRACEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Numbers of the System V ABI's DWARF register map, x86-64. */
enum tracee_reg { TRACEE_RSP = 7, TRACEE_RIP = 16, TRACEE_REGS = 17 };

struct tracee_regs {
	uint64_t r[TRACEE_REGS]; /* in DWARF order */
};

struct tracee {
	pid_t pid, tid;
	int signal; /* that was about to be delivered and is handed on at release; 0 */
};

int tracee_stop(pid_t pid, pid_t tid, struct tracee *ret_tracee);
void tracee_release(struct tracee *t);

int tracee_get_regs(const struct tracee *t, struct tracee_regs *ret_regs);
bool tracee_peek(const struct tracee *t, uint64_t address, uint64_t *ret_word);

/* The registers that a signal frame's struct ucontext at `address` will put back. */
bool tracee_peek_context(const struct tracee *t, uint64_t address, struct tracee_regs *ret_regs);

#endif
