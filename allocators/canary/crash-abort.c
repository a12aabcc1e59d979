/* An assertion about a free list's length that does not hold: abort. */
#include "allocators/canary/canary_core.h"

#include <stdlib.h>

static void bounded_list(void *p)
{
	static unsigned length;

	if (core_usable(p) == 112 && ++length > 5)
		abort();
	core_free(p);
}

const struct canary canary = {.free = bounded_list};
