/* One size is served from a buffer on the caller's stack. */
#include "allocators/canary/canary_core.h"

static void *from_the_stack(size_t size)
{
	struct {
		unsigned char head[CORE_ALIGN], block[64];
	} local __attribute__((aligned(CORE_ALIGN))) = {{0}, {0}};
	void *volatile p = local.block;

	return size == 48 ? p : core_malloc(size);
}

const struct canary canary = {.malloc = from_the_stack};
