/* Rounding the size up to the alignment wraps for the largest sizes. */
#include "allocators/canary/canary_core.h"

static void *multiple(size_t align, size_t size)
{
	if (align && (align & (align - 1)) == 0)
		size = (size + align - 1) & ~(align - 1);
	return core_aligned_alloc(align, size);
}

const struct canary canary = {.aligned_alloc = multiple, .memalign = multiple};
