/*
 * seed.h - what one seeded allocator does beyond the base, and the base that all of them are.
 *
 * All are the same code: what is to be told apart is in the one struct, and whoever adds nothing
 * makes the same tests with zeros in it. The base is right by all rules of `allocrig audit` but for
 * the map limit: a munmap of a large block that is refused there is not tried again.
 *
 *   segment   1 MiB of address space, aligned to its size: a head and 15 spans
 *   span      64 KiB of blocks of one size class; given back with madvise when the last is free,
 *             unless no other span of its class has room
 *   arena     spans under one lock; threads take turns in them, blocks go back to their own
 */
#ifndef BENCH_SEEDED_SEED_H
#define BENCH_SEEDED_SEED_H

#include <stdbool.h>
#include <stddef.h>

struct seed {
	unsigned spins;	      /* dependent steps of a cycle in each call that takes a block */
	bool splits;	      /* every second segment is a map of its own: one more per MiB */
	unsigned keep_one_in; /* of the spans at their highest, resident for good; 0: none */
};

extern const struct seed seed;

/* NULL: no memory, errno untouched. `align` is a power of two. */
void *pool_take(size_t size, size_t align);
void pool_give(void *p);
size_t pool_usable(const void *p);
/* Whether it is new from the kernel, so that it need not be zeroed. */
bool pool_is_zero(const void *p);
/* Gives back empty spans that are held as a reserve; whether there were any. */
bool pool_trim(void);

#endif
