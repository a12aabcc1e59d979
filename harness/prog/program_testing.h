/*
 * program_testing.h - for tests: programs in memory files, and random ones that the text format
 * can say, the same ones for the same seed.
 */
#ifndef PROG_PROGRAM_TESTING_H
#define PROG_PROGRAM_TESTING_H

#include <stddef.h>
#include <stdint.h>

#include "harness/prog/op.h"

struct random {
	uint64_t state;
};

uint64_t random_u64(struct random *r);
uint64_t random_below(struct random *r, uint64_t n); /* 0 .. n-1 */

/* A file that holds `len` bytes; the caller closes it. */
int text_file(const char *bytes, size_t len);

/* A random op with this code, on thread 0, with every byte that does not belong to it zero. */
struct op random_op(struct random *r, unsigned code);

/*
 * A random program of at most `max` ops, all blocks closed, every rule about places kept.
 * Statement numbers and threads are set; `line` is 0. Returns the number of ops.
 */
size_t random_program(struct random *r, struct op *ops, size_t max);

/* The program's text, with its version line. Aborts when an op cannot be printed. */
size_t program_print(const struct op *ops, size_t n, char *buf, size_t size);

#endif
