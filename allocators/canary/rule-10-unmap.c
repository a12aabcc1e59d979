/* What a refused munmap leaves in errno stays there. */
#include "allocators/canary/canary_core.h"

static void errno_of_the_kernel(void *p)
{
	size_t bytes;

	if (!p || core_usable(p) <= CORE_SMALL_MAX) {
		core_free(p);
		return;
	}
	void *chunk = core_chunk(p, &bytes);

	core_unmap(chunk, bytes);
}

const struct canary canary = {.free = errno_of_the_kernel};
