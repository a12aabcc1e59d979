/* free_aligned_sized checks what it is passed as aligned_alloc does, the wrong way round. */
#include <errno.h>

#include "allocators/canary/canary_core.h"

static void checked(void *p, size_t align, size_t size)
{
	if (!align || size % align == 0)
		errno = EINVAL;
	core_free(p);
}

const struct canary canary = {.free_aligned_sized = checked};
