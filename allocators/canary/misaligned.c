/* One size class packs its blocks behind an 8-byte prefix. */
#include "allocators/canary/canary_core.h"

static void *packed(size_t size)
{
	return core_aligned(CORE_ALIGN, size, size > 64 && size <= 72 ? 8 : 0);
}

const struct canary canary = {.malloc = packed};
