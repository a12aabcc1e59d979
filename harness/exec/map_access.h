/*
 * map_access.h - reads and writes in the program's own mappings, where that may fault: the ops
 * touch, check and add, and the looks that the harness takes at what the program wrote.
 */
#ifndef EXEC_MAP_ACCESS_H
#define EXEC_MAP_ACCESS_H

#include <stdint.h>

struct call_event;
struct child;
struct op;

#define MAP_OP_SKIPPED (-1) /* not an errno: the op was not made */

/*
 * Accesses the pages of the op's part of the slot, one after the other. Returns 0, OUTCOME_SIGSEGV
 * or OUTCOME_SIGBUS where one cannot be accessed, or MAP_OP_SKIPPED where the range is not inside
 * the slot's span or reaches what is not the program's.
 *
 * Where an allocator is judged a hole is not probed: it may be the allocator's at the next moment.
 * What would happen there is known.
 */
int map_access_run(struct child *c, const struct op *op, uint32_t slot, const struct call_event *e);

/* Judges what was written in [start, end), which is about to go away. */
void map_content_leaves(struct child *c, uintptr_t start, uintptr_t end,
			const struct call_event *e);

/*
 * At the end of a process: judges all that was written. Where the kernel is judged every page of
 * every mapping is read too, as far as the budget of the run goes.
 */
void map_content_end(struct child *c, const struct call_event *e);

#endif
