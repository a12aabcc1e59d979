/* free_sized computes the class of a size by itself, one too high at its upper edge. */
#include <stdlib.h>

#include "allocators/canary/canary_core.h"

static void own_class(void *p, size_t size)
{
	size_t class = 32 - CORE_ALIGN;

	while (class <= size)
		class = 2 * class + CORE_ALIGN;
	if (p && size <= CORE_SMALL_MAX && class < core_usable(p))
		abort();
	if (p && size<CORE_SMALL_MAX &&class> core_usable(p))
		abort();
	core_free(p);
}

const struct canary canary = {.free_sized = own_class};
