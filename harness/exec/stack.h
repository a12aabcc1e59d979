/*
 * stack.h - the call stack of another process's thread, unwound and symbolised from outside.
 *
 * Uses elfutils' libdwfl over ptrace, so the stack of a child that sits in its signal handler is
 * followed through the signal frame into the function that crashed. Controller only.
 */
#ifndef EXEC_STACK_H
#define EXEC_STACK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define STACK_FRAMES 24

struct stack_frame {
	uint64_t address; /* of the instruction (call sites: inside the call) */
	uint64_t offset;  /* into `symbol`, or into `object` when there is no symbol */
	char symbol[96];  /* "" when the object has no symbol for it */
	char object[96];  /* base name of the file */
	char source[96];  /* "file.c:123" where debug information has it, else "" */
};

struct stack {
	uint32_t nframes;
	struct stack_frame frame[STACK_FRAMES];
};

/*
 * Thread `tid` of process `pid`; the process must stand still or sleep (it is ptrace-attached for
 * the time of the call and left as it was). `crash_ip`: when not 0, frames above (inside) the one
 * with this instruction address, such as the signal handler and the signal trampoline, are left
 * out. Returns 0, or -errno with nframes 0 (no ptrace permission, process gone, no unwind data).
 */
int stack_capture(pid_t pid, pid_t tid, uint64_t crash_ip, struct stack *ret_stack);

/*
 * "free+0x1c (libc.so.6) < main (allocrig-child)": frames of the allocator and below, up to `max`,
 * into buf. Returns the length or -ENOSPC.
 */
int stack_print(const struct stack *s, unsigned max, char *buf, size_t size);

#endif
