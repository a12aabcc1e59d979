/*
 * emit_c.h - writes a program as one C file that stands alone.
 *
 * The file needs a C compiler and Linux, no header and no library of ours: `cc file.c && ./a.out`.
 * It makes the same calls in the same order on whatever allocator the process has, judges them by
 * the same rules, and says what is wrong where it is wrong, with the line of the program. Its exit
 * codes are those of a run: 0 right, 1 wrong, 2 it could not do its work, 77 not possible here (and
 * why).
 *
 * Where C alone cannot say it the file says so in a comment, and the ops go on without it: a fault
 * plan needs a harness that stands between the allocator and the kernel; a ballast is made for
 * real.
 *
 * The file opens with the program as its comment, has helpers only for what the program uses, and
 * then a main() of one line per statement, so that it reads like the program.
 */
#ifndef PROG_EMIT_C_H
#define PROG_EMIT_C_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/prog/parse.h"

struct emit_options {
	const char *name;  /* of the program, for the opening comment */
	bool judge_growth; /* the brief form: all again and again, and what only grows is wrong */
	bool judge_lost; /* where there is ballast: what was given back and nobody gets is wrong */
};

/* Takes the next bytes of the file. Returns 0, or -errno, which ends the writing. */
typedef int emit_fn(void *ctx, const char *bytes, size_t n);

/*
 * Reads the program from `fd` (from its start, with pread) and hands the C file to `out` piece by
 * piece. Returns 0; -EINVAL with `err` filled for a malformed program, before anything is written;
 * -ENOTSUP with `err` filled for what no C file of this kind can do; or what `out` returned.
 */
int emit_c(int fd, const struct emit_options *o, emit_fn *out, void *ctx, struct prog_error *err);

#endif
