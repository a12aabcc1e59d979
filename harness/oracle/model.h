/*
 * model.h - the shadow of the heap: which blocks live, how large, aligned, and filled with what.
 *
 * exec tells the model about every call (before it is made and after it returned); the oracles
 * judge the call against the model and put findings into a sink. The model calls neither the
 * allocator nor the kernel. It does read and write the blocks themselves (content).
 *
 * A block that takes part in an overlap is tainted: it is freed like any other but its content is
 * no longer judged, so that one defect is reported once, as what it is.
 *
 * Content: each live block has an id; the byte at offset o of a touched block is a function of
 * (id, o). Touched parts are kept as extents, and only they are judged.
 *
 * Cost: O(log n) per block for overlap (an ordered tree by address), plus the bytes looked at.
 */
#ifndef ORACLE_MODEL_H
#define ORACLE_MODEL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/base/arena.h"
#include "harness/base/range_set.h"
#include "harness/oracle/finding.h"
#include "harness/prog/op.h"

struct model;

#define MODEL_HARNESS_RANGES 4

struct model_options {
	uint32_t block_slots;
	uint64_t seed; /* of the content pattern */
	size_t page_bytes;
	bool check_full; /* touch fills and checks look at every byte, whatever the size */
	/*
	 * The program's own mappings, tag: slot. No block may lie in them. The caller's, who keeps
	 * it up to date; the model only reads it. NULL: none.
	 */
	const struct range_set *program_ranges;
	/* No block may lie in here: the arenas, the shared page, the first thread's stack. */
	struct {
		uintptr_t start, end; /* empty where unused */
	} harness[MODEL_HARNESS_RANGES];
};

/* Why an allocator may have returned NULL for a size that is not absurd. */
enum null_cause {
	CAUSE_NONE,    /* the kernel refused nothing: NULL is a finding up to 1 GiB */
	CAUSE_REFUSED, /* a kernel call was refused during the op, or would have been */
	CAUSE_UNKNOWN  /* could not be told: not judged */
};

/* One allocator call on one slot. */
struct call_event {
	const struct op *op;
	uint32_t slot;
	uint64_t iteration;
	uint8_t in_fork;
	void *before; /* the pointer that was passed in (realloc, free, usable), or NULL */
	/* The rest is known after the call. */
	void *ret; /* returned pointer; of posix_memalign *memptr when it succeeded, else NULL */
	void *memptr_before, *memptr_after; /* posix_memalign */
	int result; /* posix_memalign's return value; malloc_trim's for OP_TRIM */
	int errno_before, errno_after;
	bool usable_known; /* false: the allocator has no malloc_usable_size */
	size_t usable; /* of `ret` after it returned; of `before` for OP_USABLE and in oracle_before
			*/
	enum null_cause cause;
};

size_t model_arena_bytes(const struct model_options *o);
int model_new(struct arena *a, const struct model_options *o, struct model **ret_model);

/*
 * Before the call: judges the content and the usable size of the block that goes in (free,
 * realloc) and takes it out of the set of live blocks. Event fields up to `before`, and `usable`.
 */
void oracle_before(struct model *m, const struct call_event *e, struct finding_sink *sink);

/*
 * When another live slot holds the very pointer of this one (an overlap, reported already), to
 * free both would be the program's error and not the allocator's: forgets the block of this slot,
 * which is then empty, and returns true.
 */
bool model_forget_shared(struct model *m, uint32_t slot);

/*
 * In a fork child: another thread of the parent was in the middle of a call on this slot. Whatever
 * block there was is forgotten.
 */
void model_abandon(struct model *m, uint32_t slot);

/*
 * After the call: every oracle of the malloc family, then the model follows: the new block lives,
 * a failed realloc's old block lives again, a freed one is gone.
 */
void oracle_after(struct model *m, const struct call_event *e, struct finding_sink *sink);

/* A null block, and errno as it was: it failed, but no errno that `->` could name says how. */
#define OUTCOME_NO_ERRNO INT_MIN /* not -1, which a posix_memalign may return */

/* What `->` allows against what happened: err is an errno, 0 (it succeeded) or OUTCOME_NO_ERRNO. */
void oracle_outcome(const struct call_event *e, int err, struct finding_sink *sink);

/* All live blocks, at the end of a program or of a fork block. */
void oracle_end(struct model *m, const struct call_event *e, struct finding_sink *sink);

/*
 * Writes the pattern into a block: the range, or (has_range false) its usable bytes up to 64 KiB
 * and beyond that the head, the tail and one word in every page. May fault: the caller owns the
 * recovery, and what a fault left half written is not judged. Returns 0, -EINVAL when the range is
 * not inside the usable bytes, -ENOENT when no block lives in the slot or it is tainted.
 */
int model_touch(struct model *m, uint32_t slot, bool has_range, uint64_t off, uint64_t len);

/*
 * After a fault at `address` inside model_touch: a finding when it lies within the block's usable
 * bytes but behind the requested ones (short-usable). Returns whether it was that.
 */
bool model_touch_faulted(struct model *m, const struct call_event *e, uintptr_t address,
			 struct finding_sink *sink);

/*
 * Whether a realloc to 0 bytes that returned NULL freed its block: it did when errno was kept (as
 * in glibc), else it failed and the block lives on (as POSIX.1-2024 allows).
 */
bool model_realloc_zero_freed(const struct call_event *e);

/* Touched parts that were too many to remember: they are not judged. */
uint64_t model_extents_forgotten(const struct model *m);

/* Slots that hold a live block, and the bytes requested for them. */
void model_live(const struct model *m, uint64_t *ret_blocks, uint64_t *ret_bytes);
/* The most bytes at once so far. */
uint64_t model_live_peak(const struct model *m);

#endif
