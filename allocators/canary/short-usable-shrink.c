/* A block that shrinks in place gets its new size, rounded down where it should go up. */
#include <string.h>

#include "allocators/canary/canary_core.h"

static void *shrink(void *p, size_t size)
{
	size_t old = p ? core_usable(p) : 0, usable = size & ~(size_t)(CORE_ALIGN - 1);

	if (!p || size < 64 || size > old || size < old / 4 || old > CORE_SMALL_MAX)
		return core_realloc(p, size);
	memcpy((char *)p - CORE_ALIGN, &usable, sizeof(usable));
	return p;
}

const struct canary canary = {.realloc = shrink};
