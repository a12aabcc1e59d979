/*
 * model_internal.h - what the files of harness/oracle share: the model's insides and the judge.
 *
 * Live blocks stand in one of two ordered trees. `sound` holds blocks whose usable ranges are
 * disjoint, so the nearest neighbour answers every question. `tainted` holds blocks that took part
 * in an overlap (or whose size is absurd); those may cover each other in any way, so its nodes know
 * how far their subtree reaches. Ranges are inclusive, [start, last]: a hostile allocator may
 * return addresses where the end would wrap.
 */
#ifndef ORACLE_MODEL_INTERNAL_H
#define ORACLE_MODEL_INTERNAL_H

#include <bsd/sys/tree.h>

#include "harness/base/range_set.h"
#include "harness/oracle/content.h"
#include "harness/oracle/extents.h"
#include "harness/oracle/model.h"

enum block_state {
	BLOCK_NONE,
	BLOCK_LIVE,
	BLOCK_HELD /* went into a free or realloc that has not returned: in no tree */
};

struct block {
	RB_ENTRY(block) link;
	uintptr_t start;
	uint64_t size; /* requested bytes; 0 when the size is absurd */
	uint64_t usable;
	uint64_t id;	 /* of the content */
	uintptr_t reach; /* tainted: the highest last address requested in this subtree */
	uint32_t extents;
	uint8_t state; /* enum block_state */
	bool tainted, usable_known;
	bool usable_reported; /* its usable size changed: said once */
};

struct span {
	uintptr_t start, last;
};

RB_HEAD(sound_tree, block);
RB_HEAD(tainted_tree, block);

struct model {
	struct model_options options;
	struct block *blocks;
	struct sound_tree sound;
	struct tainted_tree tainted;
	struct extent_pool extents;
	uint64_t ids, live_blocks, live_bytes, live_peak_bytes;
};

static inline uintptr_t last_address(uintptr_t start, uint64_t len)
{
	uint64_t more = len ? len - 1 : 0;

	return more > UINTPTR_MAX - start ? UINTPTR_MAX : start + more;
}

/* A block of size 0 occupies its first byte: no other live block may have that address. */
static inline struct span block_requested(const struct block *b)
{
	return (struct span){b->start, last_address(b->start, b->size)};
}

static inline struct span block_occupied(const struct block *b)
{
	uint64_t len = b->usable_known && b->usable > b->size ? b->usable : b->size;

	return (struct span){b->start, last_address(b->start, len)};
}

static inline bool spans_meet(struct span a, struct span b)
{
	return a.start <= b.last && b.start <= a.last;
}

/* Bytes that touch may write. */
static inline uint64_t block_writable(const struct block *b)
{
	return b->usable_known ? b->usable : b->size;
}

static inline uint32_t block_slot(const struct model *m, const struct block *b)
{
	return (uint32_t)(b - m->blocks);
}

/* Puts the block into its tree (by `tainted`) and makes it live; takes it out and holds it. */
void blocks_place(struct model *m, struct block *b);
void blocks_take(struct model *m, struct block *b);
/* Its content and usable size are judged no more. The block may be in a tree or not. */
void blocks_taint(struct model *m, struct block *b);
/* The lowest sound block that occupies an address of `s`; NULL when there is none. */
struct block *blocks_sound_at(struct model *m, struct span s);
/* Whether another live block has this live block's address. Both are tainted then. */
bool blocks_share_start(struct block *b);
/* Any tainted block that was requested over an address of `s`. */
struct block *blocks_tainted_at(struct model *m, struct span s);

uint64_t model_next_id(struct model *m);

/* Whether all that was touched of the block is as it was written. */
bool block_intact(const struct model *m, const struct block *b, struct content_diff *ret_diff);

/* How an alignment that was asked for is judged. */
enum align_class {
	ALIGN_FUNDAMENTAL, /* none was asked for */
	ALIGN_PAGE,
	ALIGN_VALID,
	ALIGN_BAD,    /* must be refused */
	ALIGN_PROFILE /* memalign rounds it up or refuses it, as it likes */
};

/* What a call asked for. */
struct request {
	uint64_t count, size; /* as passed */
	uint64_t bytes;	      /* count * size; UINT64_MAX when that overflows */
	uint64_t align;	      /* 0 when none was asked for */
	enum align_class class;
	bool product;	  /* calloc and reallocarray */
	bool absurd;	  /* no address space holds it: over PTRDIFF_MAX */
	bool no_multiple; /* aligned_alloc with a size that is no multiple: may be refused */
};

struct request request_of(const struct call_event *e, size_t page_bytes);

/* One call being judged. */
struct judge {
	struct model *m;
	const struct call_event *e;
	struct finding_sink *sink;
};

struct verdict_kind {
	enum finding_kind kind;
	enum finding_rule rule;
};

/* Adds a finding on the event's slot, or on another one. */
void report(const struct judge *j, struct verdict_kind v, const uint64_t n[6]);
void report_slot(const struct judge *j, uint32_t slot, struct verdict_kind v, const uint64_t n[6]);

/* Judges where `b`, which is in no tree yet, lies; taints whoever has to be. */
void judge_place(const struct judge *j, struct block *b);
void judge_alignment(const struct judge *j, const struct request *r);
void judge_zero(const struct judge *j, const struct block *b);
void judge_usable_short(const struct judge *j, const struct block *b);
void judge_usable_stable(const struct judge *j, struct block *b);
void judge_usable_call(const struct judge *j);
/* Wrong content is said once: what was touched is forgotten then. */
void judge_content(const struct judge *j, struct block *b, struct verdict_kind v);
void judge_null(const struct judge *j, const struct request *r);
void judge_posix_memalign(const struct judge *j, const struct request *r);
void judge_errno_free(const struct judge *j);

/* What the program says with `->` it accepts; false where it says nothing. */
bool outcome_allows(const struct outcomes *o, int err);

#endif
