/*
 * fed.h - the child's side of programs that are handed over (feed.h).
 */
#ifndef EXEC_FED_H
#define EXEC_FED_H

#include "harness/exec/child.h"

/*
 * Whether there is a program to run: the first one at once, others where the child is fed, when
 * they are handed over.
 */
bool fed_next(struct child *c);

/*
 * A program has ended: undoes it where there will be another, and tells. Returns whether another
 * can be run.
 */
bool fed_end(struct child *c, enum run_state state);

#endif
