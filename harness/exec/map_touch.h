/*
 * map_touch.h - writes into the program's own mappings, where that may fault.
 */
#ifndef EXEC_MAP_TOUCH_H
#define EXEC_MAP_TOUCH_H

#include <stdint.h>

struct call_event;
struct child;
struct op;

#define MAP_OP_SKIPPED (-1) /* not an errno: the op was not made */

/*
 * One word in every page of the op's part of the slot. Returns 0, EFAULT where a page cannot be
 * written, or MAP_OP_SKIPPED where the range is not inside the mapping.
 */
int map_touch_run(struct child *c, const struct op *op, uint32_t slot, const struct call_event *e);

/*
 * Reports that a plain mapping of the program's own is not there any more: nothing makes it fault
 * but somebody's wrong unmap.
 */
void map_vanished(struct child *c, const struct call_event *e);

#endif
