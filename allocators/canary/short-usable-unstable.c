/* The usable size of a large block comes from a cache that one other block shares. */
#include "allocators/canary/canary_core.h"

static size_t one_entry_cache(void *p)
{
	static size_t cached;
	size_t usable = core_usable(p);

	if (usable < 1000)
		return usable;
	if (cached < usable)
		cached = usable;
	return cached > usable + 2000 ? usable - 16 : usable;
}

const struct canary canary = {.usable = one_entry_cache};
