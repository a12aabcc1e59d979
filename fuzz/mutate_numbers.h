/*
 * mutate_numbers.h - inside of mutate*.c: which sizes, counts and alignments are tried. What is
 * wrong with an allocator is often wrong for one number: at the end of a class, at a power of two,
 * where two numbers are the same.
 */
#ifndef FUZZ_MUTATE_NUMBERS_H
#define FUZZ_MUTATE_NUMBERS_H

#include "fuzz/mutate_ops.h"

#define ARG0 6 /* the field (wire_item.h): a size, or what stands before it */

/* What to put in place of `old` in a field of an op or a refusal. */
uint64_t number_other(struct mutant *m, const struct wire_item *item, unsigned field, uint64_t old);

/* The end of one of the allocator's own classes, or a little beside it; 0: none is known. */
uint64_t number_known(struct mutant *m);

/*
 * Blocks of one allocating function, each with numbers of its own, and what gives them back. A
 * program takes long to hand over, and such an op next to nothing. False where there is no room.
 */
bool number_sweep(struct mutant *m);

#endif
