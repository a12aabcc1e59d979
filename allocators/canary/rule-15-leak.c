/* A request that fails leaves the record of its block behind. */
#include "allocators/canary/canary_core.h"

static void *record_first(size_t size)
{
	if (size > CORE_SMALL_MAX)
		core_malloc(4000);
	return core_malloc(size);
}

const struct canary canary = {.malloc = record_first};
