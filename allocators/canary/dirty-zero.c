/* calloc takes one size class for fresh from the kernel, and it was until the first free. */
#include "allocators/canary/canary_core.h"

static void *always_fresh(size_t count, size_t size)
{
	size_t bytes;

	if (!__builtin_mul_overflow(count, size, &bytes) && bytes > 1008 && bytes <= 2032)
		return core_malloc(bytes);
	return core_calloc(count, size);
}

const struct canary canary = {.calloc = always_fresh};
