/* The border of one size class is off by one: 1009 bytes come from the class for 1008. */
#include "allocators/canary/canary_core.h"

static void *one_too_many(size_t size)
{
	return core_malloc(size == 1009 ? size - 1 : size);
}

const struct canary canary = {.malloc = one_too_many};
