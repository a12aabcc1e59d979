/*
 * page_lock.h - one lock for what threads and fork children share in a parallel section: the shared
 * page, and of each process the model, the ledger and all else that is the harness's.
 *
 * It is the innermost of all locks: whoever holds it calls no code of the allocator and waits for
 * nothing, so that it may be taken in the middle of an allocator call, in the handler of the trap.
 * There the holder may be interrupted by a fault in memory that the allocator commits on demand:
 * the lock is recursive. The word is on the shared page and holds the owner's thread id.
 *
 * The trap of the calling thread is off. errno is kept.
 */
#ifndef EXEC_PAGE_LOCK_H
#define EXEC_PAGE_LOCK_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

void page_lock_take(_Atomic uint32_t *word);
void page_lock_drop(_Atomic uint32_t *word);

/* In a fork child, whose parent's thread held it or not: this one does not. */
void page_lock_after_fork(void);

/* A process of one thread is gone; it may have been killed while it held the lock. */
void page_lock_bury(_Atomic uint32_t *word, pid_t gone);

#endif
