/*
 * forks.h - a fork block: the child runs it, the parent waits and goes on behind it.
 *
 *	if (fork_child()) {
 *		...
 *		end_child();
 *	}
 */
#ifndef EMIT_FORKS_H
#define EMIT_FORKS_H

#include <stdbool.h>

/* true in the child. What is wrong there is wrong in all. */
bool fork_child(void);
_Noreturn void end_child(void);

/*
 * What else is to be done in each child before its first statement, and at its end; NULL: nothing.
 */
void forks_tell(void (*begins)(void), void (*ends)(void));

#endif
