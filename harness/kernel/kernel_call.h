/*
 * kernel_call.h - one call into the kernel, as data: who made it, what it asked, what came back.
 *
 * The same struct is filled whichever mechanism delivers the call: a trap inside an allocator call
 * (trap.h), or the executor that makes a mapping call of the program's own. Fault plans, ledger,
 * oracles and the tape take it and never know which it was.
 */
#ifndef KERNEL_KERNEL_CALL_H
#define KERNEL_KERNEL_CALL_H

#include <stdbool.h>
#include <stdint.h>

enum caller { CALLER_ALLOCATOR, CALLER_PROGRAM, CALLERS };

struct kernel_call {
	uint32_t nr;	 /* system call number (asm/unistd.h) */
	uint32_t caller; /* enum caller */
	uint64_t arg[6];
	int64_t result; /* what the kernel returns: a value, or -errno; of brk the break after it */
	int32_t err;	/* 0, or the errno of a refusal; of brk ENOMEM where it did not move */
	bool injected;	/* the kernel was not asked: a fault plan refused */
	uint64_t break_before; /* of brk: where the break was */
	uint64_t ns;	       /* how long it took; 0: not measured */
};

/* The errno in a result as the kernel returns it, or 0. */
static inline int kernel_errno(int64_t result)
{
	return result < 0 && result >= -4095 ? (int)-result : 0;
}

/*
 * Makes the call and fills result, err and (for brk) break_before; injected stays false. libc's
 * errno is left alone. Async-signal-safe.
 */
void kernel_call_make(struct kernel_call *call);

/*
 * Refuses it with `err` instead: what the caller sees is what a refusing kernel returns (for brk
 * the break as it is).
 */
void kernel_call_refuse(struct kernel_call *call, int err);

#endif
