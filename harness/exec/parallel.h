/*
 * parallel.h - sections in which the threads of a program run their own lines side by side.
 *
 * Each thread has a lane: a struct child of its own, copied from the main one, with its position,
 * its cursor and its counts. Calls into the allocator are made freely; what the harness does about
 * them is behind the page lock. An op holds the block slot that it works on: another thread's op
 * on that slot waits for it.
 */
#ifndef EXEC_PARALLEL_H
#define EXEC_PARALLEL_H

#include "harness/exec/child.h"

size_t parallel_arena_bytes(const struct run_config *cfg);

/* Where programs have sections. Returns 0 or -ENOMEM. */
int parallel_init(struct child *c, struct arena *a);

/* What is of one program. */
int parallel_begin(struct child *c, struct arena *a);

/* The op `parallel`, on the thread whose turn it is; it runs its own lines too. */
void parallel_run(struct child *c, const struct op *op);

/* What thread `self` works with in the section that is open. */
struct child *parallel_lane(struct child *c, uint32_t self);

/* The calling thread's lines, from where the lane stands. False: the thread ends (c->ending). */
bool parallel_lane_run(struct child *lane);

/* Around an op on a block slot. */
void parallel_slot_take(struct child *c, uint32_t slot);
void parallel_slot_drop(struct child *c, uint32_t slot);

/*
 * In a fork child of a lane: what other threads were in the middle of is nobody's any more. Its
 * blocks are neither judged nor freed, its slots are empty.
 */
void parallel_after_fork(struct child *c);

#endif
