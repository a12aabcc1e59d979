/* A counter of 3 bits runs over: every eighth block of one size is refused. */
#include "allocators/canary/canary_core.h"

#include <errno.h>

static void *counts_to_eight(size_t size)
{
	static unsigned char count;

	if (size > 500 && size <= 1008 && (++count & 7) == 0) {
		errno = ENOMEM;
		return NULL;
	}
	return core_malloc(size);
}

const struct canary canary = {.malloc = counts_to_eight};
