/*
 * baton.h - program threads take turns, or run a section side by side.
 *
 * All threads exist before the first snapshot and wait on a futex word that names who is next: one
 * thread, or all of them and for which section. A section is over when each has run its lines; then
 * it is the turn of the thread that opened it. When the program is over it is the turn of thread 0,
 * and the others wait: for the next program, or for their end.
 */
#ifndef EXEC_BATON_H
#define EXEC_BATON_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Beside the number of a section: a thread that is about to sleep on one wakes for the next. */
#define BATON_ALL 0x80000000u

struct baton {
	_Atomic uint32_t holder;  /* thread number, or BATON_ALL with a section */
	_Atomic uint32_t arrived; /* threads that wait for their first turn, or are about to */
	_Atomic uint32_t running; /* threads that are not through with the open section */
	uint32_t section;	  /* the last one that was opened; of whoever has the turn */
	bool over;		  /* the program; of whoever has the turn */
};

enum baton_call { BATON_TURN, BATON_SECTION, BATON_OVER };

/* A thread has started. */
void baton_arrive(struct baton *b);

/* Waits until `threads` threads have. */
void baton_wait_arrived(struct baton *b, uint32_t threads);

/*
 * Waits for the turn of thread `self`, or for a section that it has not run. A turn after the
 * program's end is BATON_OVER.
 * `section`: the last one that it has run; moves on.
 */
enum baton_call baton_wait(struct baton *b, uint32_t self, uint32_t *section);

/* Gives the turn to another thread and wakes it. */
void baton_pass(struct baton *b, uint32_t next);

/*
 * Opens a section for `threads` threads, the caller among them; it runs its own lines between
 * these two calls and has the turn again after the second.
 */
uint32_t baton_open(struct baton *b, uint32_t threads);
void baton_close(struct baton *b, uint32_t self);

/* A thread is through with its lines. */
void baton_leave(struct baton *b);

/* The program is over: that is told to thread 0, and to whom it passes the turn. */
void baton_finish(struct baton *b);

/* The next program begins, with a turn of thread `first`. */
void baton_begin(struct baton *b, uint32_t first);

#endif
