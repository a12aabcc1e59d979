/* A product that overflows is EOVERFLOW. */
#include <errno.h>

#include "allocators/canary/canary_core.h"

static void *says_overflow(void *p, size_t count, size_t size)
{
	size_t bytes;

	if (!__builtin_mul_overflow(count, size, &bytes))
		return core_realloc(p, bytes);
	errno = EOVERFLOW;
	return NULL;
}

const struct canary canary = {.reallocarray = says_overflow};
