/* realloc frees the old block before it knows that there is a new one. */
#include "allocators/canary/canary_core.h"

#include <errno.h>

static void *free_first(void *p, size_t size)
{
	if (size > PTRDIFF_MAX / 4) {
		core_free(p);
		errno = ENOMEM;
		return NULL;
	}
	return core_realloc(p, size);
}

const struct canary canary = {.realloc = free_first};
