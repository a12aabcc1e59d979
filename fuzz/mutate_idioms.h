/*
 * mutate_idioms.h - inside of mutate*.c: what programs do with blocks, as several ops at once.
 *
 * A life is: some blocks are taken, touched, resized, shared between threads, and given back. What
 * is wrong in an allocator often shows only behind several steps of one, and in lives that are
 * repeated when it grows; single ops that meet in the right order by chance are too rare. Each step
 * is there or left out by chance, short lives are the most frequent ones, and sizes are anybody's.
 */
#ifndef FUZZ_MUTATE_IDIOMS_H
#define FUZZ_MUTATE_IDIOMS_H

#include "fuzz/mutate.h"

/*
 * MUTATE_LIFE, MUTATE_CHURN, MUTATE_REFUSED_LIFE or MUTATE_SIDE_BY_SIDE; as mutate_as. Stands
 * between two ops, or now and then in place of all of them: what came before may have used up the
 * work that an input is allowed.
 */
bool mutate_idiom(struct mutant *m, enum mutation kind);

#endif
