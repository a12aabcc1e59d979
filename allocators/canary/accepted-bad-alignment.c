/* posix_memalign rounds every alignment up to a power of two. */
#include "allocators/canary/canary_core.h"

static int rounding(void **ret_p, size_t align, size_t size)
{
	size_t rounded = sizeof(void *);

	while (rounded < align && rounded <= SIZE_MAX / 4)
		rounded *= 2;
	return core_posix_memalign(ret_p, rounded, size);
}

const struct canary canary = {.posix_memalign = rounding};
