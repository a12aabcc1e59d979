/* A size that is the alignment is served from its own class, whose blocks have a header. */
#include "allocators/canary/canary_core.h"

static void *class_is_aligned(size_t align, size_t size)
{
	return align == size && align > CORE_ALIGN && (align & (align - 1)) == 0
		       ? core_aligned(align, size, CORE_ALIGN)
		       : core_aligned_alloc(align, size);
}

const struct canary canary = {.aligned_alloc = class_is_aligned};
