/*
 * A block of one is kept at hand. Whether it was taken is told by a counter of its reuses, of which
 * one bit is looked at: the second reuse leaves it there for the next one.
 */
#include "allocators/canary/canary_core.h"

#define USABLE 112

static struct {
	void *block;
	unsigned reuses;
} at_hand;

static void *reuse(size_t size)
{
	void *p = at_hand.block;

	if (!p || size > USABLE || size <= USABLE / 2)
		return core_malloc(size);
	if (++at_hand.reuses & 1)
		at_hand.block = NULL;
	return p;
}

static void keep_at_hand(void *p)
{
	if (p && core_usable(p) == USABLE && !at_hand.block)
		at_hand.block = p;
	else
		core_free(p);
}

const struct canary canary = {.malloc = reuse, .free = keep_at_hand};
