/* One size class reports the size of the next one. */
#include "allocators/canary/canary_core.h"

static size_t next_class(void *p)
{
	size_t usable = core_usable(p);

	return usable == 240 ? 496 : usable;
}

const struct canary canary = {.usable = next_class};
