/*
 * mutate.h - changes programs on the wire (harness/prog/wire.h) by whole ops, and crosses two.
 *
 * An op is its record with the extensions behind it; nothing here cuts through one. What comes out
 * is as long as the buffer at most, whole records, and depends on nothing but the arguments.
 */
#ifndef FUZZ_MUTATE_H
#define FUZZ_MUTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/prog/wire.h"

enum mutation {
	MUTATE_INSERT,	  /* random ops */
	MUTATE_DELETE,	  /* a few ops in a row */
	MUTATE_DUPLICATE, /* a few ops to another place */
	MUTATE_MOVE,
	MUTATE_SWAP,	 /* two ops */
	MUTATE_KIND,	 /* another kind of op with the same numbers */
	MUTATE_TWEAK,	 /* one byte of a record */
	MUTATE_RETARGET, /* another slot: that of another op, or one near it */
	/* A number to a neighbouring edge, a little beside it, to another op's, to a known size,
	   or anew. */
	MUTATE_RESIZE,
	MUTATE_SWEEP, /* blocks of one kind and of many sizes */
	MUTATE_WIDEN, /* the slice longer, sparser, or one slot again */
	MUTATE_THREAD,
	/* Idioms (mutate_idioms.h): */
	MUTATE_LIFE,	     /* blocks are taken, resized, given back */
	MUTATE_CHURN,	     /* the same in a loop: what grows shows there */
	MUTATE_REFUSED_LIFE, /* with a fault before it */
	MUTATE_SIDE_BY_SIDE, /* by two threads at once */
	MUTATE_WRAP_REPEAT,  /* a few ops in a block */
	MUTATE_WRAP_FORK,
	MUTATE_WRAP_PARALLEL,
	MUTATE_ADD_FAULT,
	MUTATE_MOVE_FAULT,
	MUTATE_BALLAST,	 /* added or changed */
	MUTATE_TOUCHING, /* added or taken away */
	MUTATIONS
};

/*
 * The input, and the state of the random choices. `sizes`: those where the allocator is known to
 * do something else, the small ones in the first half, with holes of 0. None have to be known.
 */
struct mutant {
	uint8_t *bytes;
	size_t len, max_len;
	uint64_t random;
	const uint64_t *sizes;
	size_t nsizes;
};

/* One mutation of that kind. False, with the bytes as they were, where it does not apply. */
bool mutate_as(struct mutant *m, enum mutation kind);

/* One mutation of a random kind that applies; MUTATIONS when none does. */
enum mutation mutate_once(struct mutant *m);

/* One or a few mutations. Something is there then, if it has room. */
void mutate_some(struct mutant *m);

/* The same as LLVMFuzzerCustomMutator, with no known sizes. Returns the new length. */
size_t mutate(uint8_t *bytes, size_t len, size_t max_len, unsigned seed);

/*
 * Ops of `a` with some ops of `b` in the middle of them or in their place, as
 * LLVMFuzzerCustomCrossOver. Returns the length of what is in `out`.
 */
size_t mutate_cross(struct wire_bytes a, struct wire_bytes b, struct mutant *out);

#endif
