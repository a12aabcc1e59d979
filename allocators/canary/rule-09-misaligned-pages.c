/* pvalloc rounds the size up, not the address. */
#include "allocators/canary/canary_core.h"

static void *size_alone(size_t size)
{
	if (size > PTRDIFF_MAX)
		return core_pvalloc(size);
	/* Not on a page by luck either. */
	return core_aligned(4096, (size + 4095) & ~(size_t)4095, CORE_ALIGN);
}

const struct canary canary = {.pvalloc = size_alone};
