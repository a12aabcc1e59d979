/*
 * threads.h - the threads of the program, besides main's, which is thread 0. They exist before the
 * first statement and do what they are asked to, one after the other, or in a section side by side.
 */
#ifndef EMIT_THREADS_H
#define EMIT_THREADS_H

#include <stddef.h>

void threads_start(unsigned n); /* thread 0 included */

/* One call on a thread; returns what it does. */
typedef int slot_call(unsigned slot, size_t a, size_t b);
int on(unsigned thread, slot_call *call, unsigned slot, size_t a, size_t b);

/* Lines of a thread. A section: `lines` of each of n threads, NULL where it has none. */
typedef void some_lines(void);
void run_on(unsigned thread, some_lines *lines);
void run_side_by_side(some_lines *const *lines, unsigned n);

/* The thread ends; what it is asked for next another one does in its place. */
void end_thread(unsigned thread);

#endif
