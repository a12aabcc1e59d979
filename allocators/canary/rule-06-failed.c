/* reallocarray frees the block when the product overflows, as reallocf does. */
#include <errno.h>

#include "allocators/canary/canary_core.h"

static void *frees_on_failure(void *p, size_t count, size_t size)
{
	size_t bytes;

	if (!__builtin_mul_overflow(count, size, &bytes))
		return core_realloc(p, bytes);
	core_free(p);
	errno = ENOMEM;
	return NULL;
}

const struct canary canary = {.reallocarray = frees_on_failure};
