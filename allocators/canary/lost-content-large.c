/* A large block is moved page by page, without the part of a page at its end. */
#include "allocators/canary/canary_core.h"

#include <string.h>

static void *whole_pages(void *p, size_t size)
{
	size_t old = core_usable(p);

	if (!p || old <= CORE_SMALL_MAX || size <= old)
		return core_realloc(p, size);
	void *fresh = core_malloc(size);

	if (!fresh)
		return NULL;
	memcpy(fresh, p, old & ~(size_t)4095);
	core_free(p);
	return fresh;
}

const struct canary canary = {.realloc = whole_pages};
