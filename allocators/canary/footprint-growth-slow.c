/* A small block that realloc moves is never free again. */
#include <string.h>

#include "allocators/canary/canary_core.h"

static void *move_and_forget(void *p, size_t size)
{
	size_t old = p ? core_usable(p) : 0;

	if (!p || size <= old || old > CORE_SMALL_MAX)
		return core_realloc(p, size);
	void *fresh = core_malloc(size);

	if (fresh)
		memcpy(fresh, p, old);
	return fresh;
}

const struct canary canary = {.realloc = move_and_forget};
