/*
 * fork.h - a fork child finds every lock free and every structure whole.
 *
 * fork() of libc runs the handlers that pthread_atfork takes: all locks are taken before and
 * dropped after on both sides. They are registered by the first allocation of the process, hence
 * before most others: ours then run last before the fork and first after it, so that the handlers
 * of others may allocate. A child of raw clone gets no such promise.
 */
#ifndef GUARD_FORK_H
#define GUARD_FORK_H

/* Registers the handlers unless they are. May allocate; no lock may be held. */
void fork_prepare_once(void);

/* All locks of guard, in their order. */
void fork_lock_all(void);
void fork_unlock_all(void);

#endif
