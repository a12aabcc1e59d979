/* A freed mapping is kept for the next large block, and calloc takes all large blocks for fresh. */
#include <stddef.h>

#include "allocators/canary/canary_core.h"

static void *kept;

static void keep_one(void *p)
{
	if (p && !kept && core_usable(p) > CORE_SMALL_MAX)
		kept = p;
	else
		core_free(p);
}

static void *kept_first(size_t count, size_t size)
{
	size_t bytes;
	void *p = kept;

	if (__builtin_mul_overflow(count, size, &bytes) || bytes <= CORE_SMALL_MAX || !p ||
	    core_usable(p) < bytes)
		return core_calloc(count, size);
	kept = NULL;
	return p;
}

const struct canary canary = {.calloc = kept_first, .free = keep_one};
