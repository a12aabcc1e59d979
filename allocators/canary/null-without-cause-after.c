/* Once the kernel refused memory, large blocks are never asked for again. */
#include <errno.h>
#include <stdbool.h>

#include "allocators/canary/canary_core.h"

static bool out_of_memory;

static void *not_once_more(size_t size)
{
	if (size <= CORE_SMALL_MAX || size > PTRDIFF_MAX)
		return core_malloc(size);
	void *p = out_of_memory ? NULL : core_malloc(size);

	if (!p) {
		out_of_memory = true;
		errno = ENOMEM;
	}
	return p;
}

const struct canary canary = {.malloc = not_once_more};
