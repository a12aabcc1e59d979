/*
 * span.h - blocks of up to SMALL_MAX bytes.
 *
 * Each thread allocates from one shard; a block goes back to the shard that it came from, whoever
 * frees it. No thread keeps anything, so a thread that ends leaves nothing behind. Lock order:
 * large, shards in order, slab.
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

void span_lock_all(void);
void span_unlock_all(void);
void span_reset_all(void); /* in a fork child */

#endif
