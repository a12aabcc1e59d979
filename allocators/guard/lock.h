/*
 * lock.h - a lock of one word, and a futex for those who wait long.
 *
 * Not a pthread mutex, because a fork child must be able to reset a lock that threads were waiting
 * for, and because a process with one thread pays for no atomic operation. With more threads
 * taking costs one and dropping none: whether anybody sleeps is read without a fence after the
 * lock was dropped, so a sleeper may be overlooked, and therefore sleeps a millisecond at most.
 * errno is kept.
 */
#ifndef GUARD_LOCK_H
#define GUARD_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/single_threaded.h>

struct lock {
	_Atomic uint32_t held, sleepers;
};

void lock_wait(struct lock *l); /* the slow path of lock_take */
void lock_wake(struct lock *l); /* the slow path of lock_drop */

static inline bool lock_try(struct lock *l)
{
	uint32_t expected = 0;

	return atomic_compare_exchange_strong_explicit(&l->held, &expected, 1, memory_order_acquire,
						       memory_order_relaxed);
}

static inline void lock_take(struct lock *l)
{
	/* libc clears the flag before it starts a second thread; none starts while we are here. */
	if (__libc_single_threaded && !atomic_load_explicit(&l->held, memory_order_relaxed)) {
		atomic_store_explicit(&l->held, 1, memory_order_relaxed);
		return;
	}
	if (__builtin_expect(!lock_try(l), 0))
		lock_wait(l);
}

static inline void lock_drop(struct lock *l)
{
	atomic_store_explicit(&l->held, 0, memory_order_release);
	if (__builtin_expect(atomic_load_explicit(&l->sleepers, memory_order_relaxed) != 0, 0))
		lock_wake(l);
}

/* For a fork child alone: its one thread holds the lock and whoever waited is not there. */
static inline void lock_reset(struct lock *l)
{
	atomic_store_explicit(&l->sleepers, 0, memory_order_relaxed);
	atomic_store_explicit(&l->held, 0, memory_order_relaxed);
}

#endif
