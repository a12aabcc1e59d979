/*
 * A block that grows again and again: how long it is now is remembered from its last move, but
 * written down only at the first.
 */
#include <string.h>

#include "allocators/canary/canary_core.h"

static void *grown;
static size_t grown_size;

static void *grow(void *p, size_t size)
{
	size_t old = p ? core_usable(p) : 0;

	if (!p || size <= old)
		return core_realloc(p, size);
	if (p == grown)
		old = grown_size;
	void *fresh = core_malloc(size);

	if (!fresh)
		return NULL;
	memcpy(fresh, p, old);
	core_free(p);
	if (p != grown)
		grown_size = size;
	grown = fresh;
	return fresh;
}

const struct canary canary = {.realloc = grow};
