/*
 * cursor.h - walks a program in execution order.
 *
 * The cursor unrolls `repeat`; it hands out leaf ops, OP_FORK and OP_PARALLEL and the OP_END of
 * these, in the order in which they run (inside parallel: in the order of the text). It hands out
 * OP_WHEN too: the caller looks whether the fact holds and goes on, which is into the block, or
 * leaves it with cursor_skip_block. No OP_END comes for a `when`, run or skipped, and a repeat in
 * it is outermost where the `when` itself would be. Facts do not change while a program runs.
 *
 * A repeat whose rounds run no op at all (`when` is none) is passed after its first round,
 * whatever its count. The cursor keeps a window of the last parsed ops, so a loop whose body fits
 * is parsed once; a longer body is read again each time round. Memory is fixed.
 *
 * After fork() the child's copy of a cursor goes on by itself: the file is read with pread alone.
 */
#ifndef PROG_CURSOR_H
#define PROG_CURSOR_H

#include <stdbool.h>

#include "harness/base/arena.h"
#include "harness/prog/parse.h"

#define CURSOR_WINDOW 8192 /* ops */

struct cursor;

/* Bytes that cursor_new takes from the arena. */
size_t cursor_arena_bytes(void);

int cursor_new(struct arena *a, int fd, struct cursor **ret_cursor, struct prog_error *err);

/*
 * The next op to run; it stays valid until the call after the next. Returns 1 at the end of the
 * program, 0 with an op, or -errno with `err` filled.
 */
int cursor_next(struct cursor *c, const struct op **ret_op, struct prog_error *err);

/*
 * Leaves the block whose opening op (OP_FORK, OP_PARALLEL or OP_WHEN) was handed out last, without
 * running it: the parent of a fork goes on behind it, and sees no OP_END. Returns 0 or -errno.
 */
int cursor_skip_block(struct cursor *c, struct prog_error *err);

/*
 * A cursor for the lines that one thread runs in a parallel section: it hands out nothing until
 * cursor_section. Takes as much of the arena as cursor_new. Returns 0 or -ENOMEM.
 */
int cursor_new_section(struct arena *a, struct cursor **ret_cursor);

/*
 * `from` has just handed out OP_PARALLEL: `section` begins at its body and hands out the lines of
 * one thread, up to the end of the body (cursor_next returns 1). `from` stays where it is, and may
 * not be moved by another thread meanwhile. Outermost repeats in there are not stretched.
 */
void cursor_section(const struct cursor *from, uint32_t thread, struct cursor *section);

/* Begins again at the first op. Returns 0 or -errno with `err` filled. */
int cursor_rewind(struct cursor *c, struct prog_error *err);

/* Outermost repeats entered from here on run `times` times as many rounds. */
void cursor_stretch(struct cursor *c, uint32_t times);

/* An outermost repeat, as seen when one of its rounds ends. */
struct cursor_round {
	uint64_t ends; /* rounds of outermost repeats that have ended so far, over the whole program
			*/
	uint64_t round;	 /* 0-based: the one that ended last */
	uint64_t rounds; /* of that loop in all */
	uint32_t stmt;	 /* of its repeat */
	bool last;	 /* it was the last of its loop */
};

/* The last round that ended before the op that was handed out last. */
const struct cursor_round *cursor_last_round(const struct cursor *c);

/* 0-based round of the innermost repeat that is open; 0 outside any. */
uint64_t cursor_iteration(const struct cursor *c);

#endif
