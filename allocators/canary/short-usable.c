/* The header is subtracted twice. */
#include "allocators/canary/canary_core.h"

static size_t twice(void *p)
{
	size_t usable = core_usable(p);

	return usable > CORE_SMALL_MAX ? usable - CORE_ALIGN : usable;
}

const struct canary canary = {.usable = twice};
