/*
 * unwind.h - the instruction addresses of a stopped thread's call stack, innermost first.
 *
 * A session knows the objects that the process has mapped (of those that can hold code) and finds
 * their symbols; frames need the thread held by a tracee, symbols do not. Debug information is
 * looked for in the object itself and under /usr/lib/debug by build id, never on the network.
 *
 * A jump to an address where no code is leaves nothing that call frame information could describe.
 * There the caller is taken from the return address that the call pushed, when it lies in
 * executable memory right behind a call instruction, and unwinding goes on from it.
 */
#ifndef EXEC_UNWIND_H
#define EXEC_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/exec/tracee.h"

#define UNWIND_FRAMES 96

struct unwind_frame {
	uint64_t address; /* of the instruction; in a caller: a byte inside its call instruction */
	bool exact;	  /* not a caller: the thread, or a signal, stopped right here */
};

struct unwind_frames {
	size_t n;
	struct unwind_frame frame[UNWIND_FRAMES];
};

struct unwind;

/* Reads the maps of `tid`. Returns 0 or -errno. */
int unwind_new(pid_t tid, struct unwind **ret_unwind);
void unwind_free(struct unwind *u);

/* Once per session. Returns 0 with at least one frame, or -errno. */
int unwind_run(struct unwind *u, const struct tracee *t, struct unwind_frames *ret_frames);

struct stack_frame;

/* Fills all of `ret_frame`; what is not known stays empty. */
void unwind_describe(struct unwind *u, uint64_t address, struct stack_frame *ret_frame);

#endif
