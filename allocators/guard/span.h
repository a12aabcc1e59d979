/*
 * span.h - blocks of up to SMALL_MAX bytes.
 *
 * Each thread allocates from one shard; a block goes back to the shard that it came from, whoever
 * frees it. No thread keeps anything, so a thread that ends leaves nothing behind.
 *
 * A span that loses its last block may stay with its shard, idle, for the next block of its class,
 * up to 32 pages of them. It stays no longer than another block of the slab lives: whoever frees
 * that, of whichever shard, ends the idle spans of all shards in the slab, and so the slab.
 *
 * Lock order: large, shards in order, slab.
 */
#ifndef GUARD_SPAN_H
#define GUARD_SPAN_H

#include <stdbool.h>
#include <stddef.h>

#include "allocators/guard/slab.h"

/* What a thread's first call does; without effect later. It may allocate. No lock may be held. */
void span_prepare(void);

/* A block of this class, or NULL. *ret_zero: whether it reads zero. */
void *span_alloc(unsigned class, bool *ret_zero);

/*
 * `p` lies in `slab`; panics, in the name of `what`, unless it is a live block. Whether a slab was
 * unmapped.
 */
bool span_free(struct slab *slab, void *p, const char *what);

/* The bytes of the live block `p`; panics as above. */
size_t span_usable(struct slab *slab, void *p, const char *what);

/* Ends all idle spans. Whether a slab was unmapped. No lock may be held but that of large blocks.
 */
bool span_idle_end(void);

void span_lock_all(void);
void span_unlock_all(void);
void span_reset_all(void); /* in a fork child */

#endif
