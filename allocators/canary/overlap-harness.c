/* One size is served from a buffer on the stack, which is gone when the caller gets it. */
#include "allocators/canary/canary_core.h"

#define BUFFER 256 /* bytes; what lies before the block is read as its header */

static void *from_the_stack(size_t size)
{
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);

	return size == 48 ? (void *)((frame - BUFFER) & ~(uintptr_t)(CORE_ALIGN - 1))
			  : core_malloc(size);
}

const struct canary canary = {.malloc = from_the_stack};
