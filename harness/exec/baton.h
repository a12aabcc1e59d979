/*
 * baton.h - program threads take turns: exactly one runs at any time.
 *
 * All threads exist before the first snapshot and wait on a futex word that names who is next.
 */
#ifndef EXEC_BATON_H
#define EXEC_BATON_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define BATON_DONE UINT32_MAX

struct baton {
	_Atomic uint32_t holder;  /* thread number, or BATON_DONE */
	_Atomic uint32_t arrived; /* threads that wait for their first turn, or are about to */
};

/* A thread has started. */
void baton_arrive(struct baton *b);

/* Waits until `threads` threads have. */
void baton_wait_arrived(struct baton *b, uint32_t threads);

/* Waits for the turn of thread `self`. False when the program is over. */
bool baton_wait(struct baton *b, uint32_t self);

/* Gives the turn to another thread and wakes it. */
void baton_pass(struct baton *b, uint32_t next);

/* Ends the program for every thread. */
void baton_finish(struct baton *b);

#endif
