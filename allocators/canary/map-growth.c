/* free leaves the first page of a large block mapped: one map more with each. */
#include <sys/mman.h>

#include "allocators/canary/canary_core.h"

static void but_for_a_page(void *p)
{
	size_t bytes;

	if (!p || core_usable(p) <= CORE_SMALL_MAX) {
		core_free(p);
		return;
	}
	char *chunk = core_chunk(p, &bytes);

	core_unmap(chunk + 4096, bytes - 4096);
}

const struct canary canary = {.free = but_for_a_page};
