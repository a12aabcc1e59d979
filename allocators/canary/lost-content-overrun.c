/* The mark behind a large block is written one word too far: behind its mapping. */
#include "allocators/canary/canary_core.h"

static void *marked(size_t size)
{
	unsigned char *p = core_malloc(size);

	if (p && size > CORE_SMALL_MAX)
		*(volatile uint64_t *)(p + core_usable(p)) = 0xfeedfacecafebeef;
	return p;
}

const struct canary canary = {.malloc = marked};
