/*
 * extents.h - which parts of a block were touched, and so are judged.
 *
 * An extent is a run of bytes (step 0) or single words one step apart. A block has a short list of
 * them; parts that meet are joined. Lists live in one pool of fixed size. When the pool or a list
 * is full a part is forgotten, counted, and never judged: a gap in the proof, never a wrong one.
 */
#ifndef ORACLE_EXTENTS_H
#define ORACLE_EXTENTS_H

#include <stdint.h>

#include "harness/base/arena.h"

#define EXTENTS_PER_BLOCK 64

struct extent {
	uint64_t off, len; /* bytes; with a step, to the end of the last word */
	uint32_t step;	   /* bytes; 0: every byte of the run */
	uint32_t next;	   /* index, 0: the last one */
};

struct extent_pool {
	struct extent *v; /* v[0] is nobody's */
	uint32_t capacity, fresh, freed;
	uint64_t forgotten;
};

size_t extent_pool_arena_bytes(uint32_t capacity);
int extent_pool_init(struct extent_pool *p, struct arena *a, uint32_t capacity);

/* `head` is a list: the index of its first extent, 0 when empty. An empty extent is ignored. */
void extents_add(struct extent_pool *p, uint32_t *head, struct extent e);
/* Everything from offset `limit` on is forgotten (not counted: it is no longer the block's). */
void extents_cut(struct extent_pool *p, uint32_t *head, uint64_t limit);
void extents_drop(struct extent_pool *p, uint32_t *head);

/* Words of an extent with a step. */
static inline uint64_t extent_words(const struct extent *e)
{
	return (e->len - 8) / e->step + 1;
}

#endif
