/* A bad alignment is one more reason for NULL and ENOMEM. */
#include <errno.h>

#include "allocators/canary/canary_core.h"

static void *one_reason(size_t align, size_t size)
{
	void *p = core_aligned_alloc(align, size);

	if (!p)
		errno = ENOMEM;
	return p;
}

const struct canary canary = {.aligned_alloc = one_reason};
