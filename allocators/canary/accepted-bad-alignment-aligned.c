/* aligned_alloc takes 0 for "no matter". */
#include "allocators/canary/canary_core.h"

static void *zero_is_fine(size_t align, size_t size)
{
	return core_aligned_alloc(align ? align : 1, size);
}

const struct canary canary = {.aligned_alloc = zero_is_fine};
