/* The alignment is kept in 32 bits. */
#include <stdint.h>

#include "allocators/canary/canary_core.h"

static void *short_alignment(size_t align, size_t size)
{
	uint32_t kept = (uint32_t)align;

	return align && !kept ? core_malloc(size) : core_aligned_alloc(align, size);
}

const struct canary canary = {.aligned_alloc = short_alignment};
