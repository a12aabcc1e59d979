/*
 * reached.h - notes on the shared page what a program that was handed over reaches (feedback.h).
 *
 * All of it is of the program's own run: what is done behind it, once more or to undo it, reaches
 * nothing. Callers ask first whether child.reached is there. Each note is a hash and a byte.
 */
#ifndef EXEC_REACHED_H
#define EXEC_REACHED_H

#include "harness/exec/child.h"
#include "harness/kernel/effect.h"

/* A program begins: nothing is reached. Sets child.reached where programs are handed over. */
void reached_clear(struct child *c);

/* Behind its end, when it is undone too: edges go to the page. */
void reached_end(struct child *c);

/*
 * The ledger has followed the call. Of the program's own only where the kernel is judged:
 * `maps_before` are all VMAs of the process before it.
 */
void reached_kernel_call(struct child *c, const struct kernel_call *call,
			 const struct effect *effect, int64_t maps_before);

/* An allocating op, or a mapping op with a length. */
struct reached_request {
	unsigned code; /* enum op_code */
	size_t size, align;
	const void *before; /* NULL: there was nothing */
	size_t size_before;
	const void *ret; /* NULL: refused */
};

/* Right behind the call, before another one is made on the allocator. */
void reached_request(struct child *c, const struct reached_request *r);

/* The kernel calls that were refused in this call of the allocator: was it served? */
void reached_refusals(struct child *c, unsigned code, bool served);

/* A block of `size` bytes was asked for, and has `usable`. */
void reached_usable(struct child *c, size_t size, size_t usable);

void reached_error(struct child *c, unsigned code, int err);

#endif
