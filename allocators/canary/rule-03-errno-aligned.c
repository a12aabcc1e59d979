/* aligned_alloc leaves errno to posix_memalign, which does not set it. */
#include <stddef.h>

#include "allocators/canary/canary_core.h"

static void *by_posix_memalign(size_t align, size_t size)
{
	void *p = NULL;

	if (align < sizeof(void *) || (align & (align - 1)))
		return core_aligned_alloc(align, size);
	core_posix_memalign(&p, align, size);
	return p;
}

const struct canary canary = {.aligned_alloc = by_posix_memalign};
