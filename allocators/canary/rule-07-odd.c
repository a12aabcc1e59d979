/* A size that is no multiple of the alignment cannot be meant seriously: malloc will do. */
#include "allocators/canary/canary_core.h"

static void *multiples_only(size_t align, size_t size)
{
	/* Not aligned by luck either. */
	return align > CORE_ALIGN && (align & (align - 1)) == 0 && size % align
		       ? core_aligned(align, size, CORE_ALIGN)
		       : core_aligned_alloc(align, size);
}

const struct canary canary = {.aligned_alloc = multiples_only};
