/*
 * mode.h - which of its two allocators guard is in this process.
 *
 * Open until the first block: then guard_mode_set's last word decides, else GUARD_MODE in the
 * environment, else it is separator. Entry points pay one load and one branch that always goes the
 * same way.
 */
#ifndef GUARD_MODE_H
#define GUARD_MODE_H

#include <stdatomic.h>
#include <stdbool.h>

enum mode_state {
	MODE_SEPARATOR,
	MODE_FENCE,
	MODE_OPEN, /* neither: no block yet */
	MODE_OPEN_SEPARATOR,
	MODE_OPEN_FENCE, /* guard_mode_set was called */
};

extern _Atomic int mode_now __attribute__((visibility("hidden")));

bool mode_decide(void); /* the slow path of mode_is_fence */

/* For what makes the first block: decides. */
static inline bool mode_is_fence(void)
{
	int mode = atomic_load_explicit(&mode_now, memory_order_relaxed);

	return __builtin_expect(mode != MODE_SEPARATOR, 0) && mode_decide();
}

/* For what is given a block, or none: leaves open what is. */
static inline bool mode_was_fence(void)
{
	int mode = atomic_load_explicit(&mode_now, memory_order_relaxed);

	return __builtin_expect(mode == MODE_FENCE, 0);
}

#endif
