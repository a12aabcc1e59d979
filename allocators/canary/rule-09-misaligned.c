/* memalign knows cache lines and pages, nothing between. */
#include "allocators/canary/canary_core.h"

static void *lines_and_pages(size_t align, size_t size)
{
	/* Not aligned by luck either: one line behind. */
	return align > 64 && align < 4096 && (align & (align - 1)) == 0
		       ? core_aligned(align, size, 64)
		       : core_aligned_alloc(align, size);
}

const struct canary canary = {.memalign = lines_and_pages};
