/*
 * fence_quarantine.h - freed blocks of fence mode, whose pages nobody may use for a while.
 *
 * First in, first out, bounded in blocks and in bytes of address space, fences included. The caller
 * holds the lock of fence mode. errno is kept.
 */
#ifndef GUARD_FENCE_QUARANTINE_H
#define GUARD_FENCE_QUARANTINE_H

#include "allocators/guard/fence_run.h"

void quarantine_bound(size_t blocks, size_t bytes);

/*
 * Takes a run that was live, closes it and lets go what is beyond the bounds. A block larger than
 * the bound in bytes goes at once, and no other for its sake.
 */
void quarantine_add(struct run *r);

/* Lets all go. Whether there was any. */
bool quarantine_flush(void);

#endif
