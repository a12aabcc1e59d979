/*
 * mutate_ops.h - inside of mutate*.c: ops as pieces of a mutant's bytes, and changes of one op.
 */
#ifndef FUZZ_MUTATE_OPS_H
#define FUZZ_MUTATE_OPS_H

#include "fuzz/mutate.h"
#include "harness/prog/wire_item.h"

/* Bytes from `at` up to `end`. */
struct piece {
	size_t at, end;
};

uint64_t random_next(struct mutant *m);
uint64_t random_under(struct mutant *m, uint64_t n); /* 0 .. n-1; 0 for n == 0 */

/* How many ops there are, and the one with that index; behind the last: an empty piece there. */
size_t ops_count(struct wire_bytes in);
struct piece ops_at(struct wire_bytes in, size_t index);
struct piece ops_next(struct wire_bytes in, struct piece p);

struct wire_bytes mutant_bytes(const struct mutant *m);

/* A random op. False when there is none. */
bool random_op_piece(struct mutant *m, struct piece *ret_piece);

/* Puts other bytes in place of a piece. False when they do not fit. */
bool piece_replace(struct mutant *m, struct piece p, const void *bytes, size_t len);

/* A record as random as the kind allows: its fields, but no tag. */
struct wire_record random_record(struct mutant *m, unsigned kind);

/* The mutations of one op: MUTATE_KIND to MUTATE_THREAD. As mutate_as. */
bool mutate_op(struct mutant *m, enum mutation kind);

#endif
