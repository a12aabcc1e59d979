/*
 * lock.h - a lock of one word on a futex.
 *
 * Not a pthread mutex, because a fork child must be able to reset a lock that threads were waiting
 * for, and because a process with one thread pays for no atomic operation. errno is kept.
 */
#ifndef GUARD_LOCK_H
#define GUARD_LOCK_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/single_threaded.h>

enum lock_state { LOCK_FREE, LOCK_HELD, LOCK_AWAITED };

struct lock {
	_Atomic uint32_t state;
};

void lock_wait(struct lock *l); /* the slow path of lock_take */
void lock_wake(struct lock *l); /* the slow path of lock_drop */

static inline void lock_take(struct lock *l)
{
	uint32_t expected = LOCK_FREE;

	/* libc clears the flag before it starts a second thread; none starts while we are here. */
	if (__libc_single_threaded &&
	    atomic_load_explicit(&l->state, memory_order_relaxed) == LOCK_FREE) {
		atomic_store_explicit(&l->state, LOCK_HELD, memory_order_relaxed);
		return;
	}
	if (!atomic_compare_exchange_strong_explicit(&l->state, &expected, LOCK_HELD,
						     memory_order_acquire, memory_order_relaxed))
		lock_wait(l);
}

static inline void lock_drop(struct lock *l)
{
	if (__libc_single_threaded) {
		atomic_store_explicit(&l->state, LOCK_FREE, memory_order_release);
		return;
	}
	if (atomic_exchange_explicit(&l->state, LOCK_FREE, memory_order_release) == LOCK_AWAITED)
		lock_wake(l);
}

/* For a fork child alone: its one thread holds the lock and whoever waited is not there. */
static inline void lock_reset(struct lock *l)
{
	atomic_store_explicit(&l->state, LOCK_FREE, memory_order_relaxed);
}

#endif
