/*
 * fence_run.h - runs: the pages of one block, and what is remembered of it.
 *
 *	run_start                  p                 p + size      run_end
 *	| slack before: < 1 page | the block        | slack behind | fence |
 *
 * The caller holds the lock of fence mode. Functions keep errno.
 */
#ifndef GUARD_FENCE_RUN_H
#define GUARD_FENCE_RUN_H

#include "allocators/guard/fence_chunk.h"

static inline uintptr_t run_start(const struct run *r)
{
	return r->chunk->first + r->page * OS_PAGE;
}

static inline uintptr_t run_end(const struct run *r)
{
	return run_start(r) + r->pages * OS_PAGE;
}

/* Where the slack behind ends: run_end, unless the run could not be cut when the block shrank. */
static inline uintptr_t run_slack_end(const struct run *r)
{
	return (r->p + r->size + OS_PAGE - 1) & ~(OS_PAGE - 1);
}

/*
 * A live run that is open and reads zero, with p at a multiple of `align` (a power of two) and as
 * near to the fence as that allows. made, made_by and align_log are the caller's to fill. NULL: no
 * memory.
 */
struct run *run_new(size_t size, size_t align);

/* Makes the pages inaccessible and gives their memory back; run_retire tries again. */
void run_close(struct run *r);

/*
 * Others may take the pages, once they are closed; a chunk without runs goes. Until then the record
 * stays, in this state.
 */
void run_retire(struct run *r, enum run_state state);

/* The size of a live block becomes this smaller one, not 0, in its place. */
void run_shrink(struct run *r, size_t size);

/* The record of the block that begins at p, or of the last one that did; NULL: none did. */
struct run *run_at(uintptr_t p);

/*
 * The record of the block nearest to any address, live or not, in the same chunk. NULL: none, and
 * *ret_ours says whether the address lies in a chunk. Slow.
 */
struct run *run_near(uintptr_t address, bool *ret_ours);

/* Tries again whatever was refused. Whether a mapping went. */
bool run_trim(void);

#endif
