/* The room for the alignment is added to the size before that is looked at (CVE-2018-6485). */
#include "allocators/canary/canary_core.h"

static void *room_first(size_t align, size_t size)
{
	if (align > 4096 || (align & (align - 1)) || size + align >= size)
		return core_aligned_alloc(align, size);
	return core_aligned(align, size + align, 0);
}

const struct canary canary = {.aligned_alloc = room_first};
