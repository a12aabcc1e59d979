/* Every third block of a small size is put on the free list twice. */
#include "allocators/canary/canary_core.h"

static void twice_on_the_list(void *p)
{
	static unsigned freed;

	if (core_usable(p) == 48 && ++freed % 3 == 0)
		core_free(p);
	core_free(p);
}

const struct canary canary = {.free = twice_on_the_list};
