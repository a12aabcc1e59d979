/*
 * program.h - a whole program in memory: its header and an array of ops, from text and to text.
 *
 * The array is the caller's. Nothing here allocates.
 */
#ifndef PROG_PROGRAM_H
#define PROG_PROGRAM_H

#include <stddef.h>

#include "harness/prog/op.h"
#include "harness/prog/parse.h"

struct program {
	struct prog_header header;
	struct op *ops;
	size_t nops, max_ops;
};

/*
 * Reads the whole text through `r`, which need not be initialised. Returns 0, -ENOSPC for a
 * program of more than max_ops ops (then the first max_ops are there), or as prog_reader_next.
 */
int program_read(struct prog_reader *r, int fd, struct program *p, struct prog_error *err);

/*
 * The text with its header lines, indented, NUL-terminated. Returns its length, -ENOSPC, or
 * -EINVAL for ops that no text gives or whose blocks are not balanced.
 */
int program_write(const struct program *p, char *buf, size_t size);

#endif
