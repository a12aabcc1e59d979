/* reallocarray looks at each factor, not at the product. */
#include "allocators/canary/canary_core.h"

#include <errno.h>

static void *each_factor(void *p, size_t count, size_t size)
{
	if (count > PTRDIFF_MAX || size > PTRDIFF_MAX) {
		errno = ENOMEM;
		return NULL;
	}
	return core_realloc(p, count * size);
}

const struct canary canary = {.reallocarray = each_factor};
