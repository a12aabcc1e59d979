/*
 * free tells the block below that its neighbour is gone, in that one's last word. So it does for a
 * large block too, below which lies no neighbour of the same heap but the end of another mapping.
 */
#include "allocators/canary/canary_core.h"

static unsigned large; /* living: a lonely one has nothing below */

static void *counted(size_t size)
{
	void *p = core_malloc(size);

	large += p && size > CORE_SMALL_MAX;
	return p;
}

static void tell_the_neighbour(void *p)
{
	size_t bytes;

	if (p && core_usable(p) > CORE_SMALL_MAX && large-- > 1) {
		uint64_t *chunk = core_chunk(p, &bytes);

		*(volatile uint64_t *)(chunk - 1) = 0;
	}
	core_free(p);
}

const struct canary canary = {.malloc = counted, .free = tell_the_neighbour};
