/*
 * threads.h - the threads of a program.
 *
 * Thread 0 is the process's first. The others exist before the first snapshot, on stacks in the
 * arena; each waits for its turn (baton.h), in one program after the other. A thread that ends (`@1
 * exit`) makes its successor first: that one waits until the other is gone, joins it, and goes on
 * in its place.
 *
 * What libc does to make and to join a thread it does with the allocator under test, where that one
 * is preloaded; it counts as the allocator's, and so does what its destructors do at a thread's
 * end.
 *
 * Errors: 0 or -errno.
 */
#ifndef EXEC_THREADS_H
#define EXEC_THREADS_H

#include "harness/exec/child.h"

size_t threads_arena_bytes(const struct run_config *cfg);

/* Starts all threads of the program but the first; each is armed. */
int threads_init(struct child *c, struct arena *a);

/* The calling thread is thread 0: takes its turns and its part in sections up to the end. */
void threads_run(struct child *c);

/* The thread whose turn an op is: sections are opened by thread 0, which never ends. */
uint32_t thread_of(const struct op *op);

/* On thread 0: all threads run their lanes of the section, this one too. */
void threads_run_section(struct child *c);

/*
 * On thread 0, when the program is over: threads that were made while it ran end, so that libc
 * gives back the blocks that it had for them.
 */
void threads_end(struct child *c);

/*
 * The op `exit`, on the thread that ends. Sets c->ending where there is a successor: the thread
 * then has to return from all that it does.
 */
void thread_exit_op(struct child *c, const struct op *op);

#endif
