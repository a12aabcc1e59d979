/*
 * slab.h - slabs, and runs of their pages.
 *
 * A slab is an area of 1 MiB at a multiple of 1 MiB. Its first pages hold the header: the state of
 * each page and one bit per block. A bitmap over the address space says which multiples of 1 MiB
 * are slabs, so any address is judged without touching it.
 *
 * A slab whose last span goes is unmapped at once, separator included. Should the kernel refuse,
 * it is purged, stays in use as an empty slab and is tried again by slab_retry and slab_trim.
 *
 * Spans belong to shards. One without live blocks may stay with its shard, idle, as long as another
 * span of the slab has some; for that the slab counts, for each shard, the spans with live blocks.
 *
 * All functions keep errno. The lock of this layer is taken inside, save where it says otherwise.
 */
#ifndef GUARD_SLAB_H
#define GUARD_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocators/guard/area.h"
#include "allocators/guard/lock.h"
#include "allocators/guard/os.h"
#include "allocators/guard/ring.h"

#define SLAB_PAGES   256u
#define SLAB_BYTES   (SLAB_PAGES * OS_PAGE)
#define HEADER_PAGES 5u
#define DATA_PAGES   (SLAB_PAGES - HEADER_PAGES)
/*
 * A slab in use is purged when this many of its free pages may be resident; pages that could not be
 * purged before do not count, lest each span that goes tries them again.
 */
#define DIRTY_PAGES_MAX 64u

#define MIN_BLOCK 16u
#define SHARDS	  16u

struct span {
	struct ring at;	       /* of the shard: the spans of this class that have a free block */
	uint32_t size;	       /* bytes of a block */
	uint32_t inverse;      /* ceil(2^32 / size): offset to index without division */
	uint16_t used, blocks; /* blocks in use, and in all */
	uint16_t fresh;	       /* blocks from this index on were never handed out: zero */
	uint16_t open_words;   /* bit w: word w of the span's bits has a free block */
	uint8_t class, shard;
	uint8_t first; /* page of the slab where the span begins; 0: a free page */
	uint8_t pages;
	uint8_t kept; /* 1 + its place among those that the shard keeps; 0: it is none of them */
};

/* What a shard has in a slab. Cache lines of their own: shards do not disturb each other. */
struct slab_share {
	_Atomic uint32_t live; /* spans with live blocks; changes under the shard's lock */
	uint32_t other;	       /* a shard that had live spans too when that was asked last */
} __attribute__((aligned(64)));

#define WORDS_PER_PAGE (OS_PAGE / MIN_BLOCK / 64)

struct page_map {
	uint64_t bits[SLAB_PAGES / 64];
};

struct slab {
	struct slab *prev, *next; /* of the same bin */
	struct area area;
	unsigned bin, free_pages, dirty_pages;
	unsigned stuck_pages; /* of the dirty ones: those left by the last purge */
	struct page_map free;
	struct page_map dirty; /* free pages that may not read zero */
	struct slab_share shares[SHARDS];
	/*
	 * One bit per 16 bytes behind the header; a span has those of its pages and uses one per
	 * block, from the front. Set: in use, or behind the last block.
	 */
	uint64_t used[DATA_PAGES * WORDS_PER_PAGE];
	struct span spans[SLAB_PAGES];
};

_Static_assert(sizeof(struct slab) <= HEADER_PAGES * OS_PAGE, "the header has its own pages");

extern struct lock slab_lock;

/* The slab that the address lies in, or NULL. Takes no lock. */
struct slab *slab_at(uintptr_t p);

static inline struct slab *slab_of(const struct span *s)
{
	return (struct slab *)((uintptr_t)s & ~(uintptr_t)(SLAB_BYTES - 1));
}

static inline uintptr_t span_base(const struct span *s)
{
	return (uintptr_t)slab_of(s) + s->first * OS_PAGE;
}

static inline uint64_t *span_used(const struct span *s)
{
	return slab_of(s)->used + (s->first - HEADER_PAGES) * WORDS_PER_PAGE;
}

/*
 * A run of `pages` pages (<= 32) with first and pages filled in and all its bits clear. NULL when
 * no slab has one and none may be mapped, or the kernel gives none. *ret_zero: whether the pages
 * read zero.
 */
struct span *slab_span_new(unsigned pages, bool may_map, bool *ret_zero);

/* Takes a run back whose bits are all clear. Whether a slab was unmapped. */
bool slab_span_free(struct span *s);

/* Tries again to unmap what was refused, up to the second refusal. Whether anything went. */
bool slab_retry(void);

/*
 * Tries again whatever was refused, and purges every page without a live block. The caller holds
 * all locks. Whether memory went back.
 */
bool slab_trim(void);

#endif
