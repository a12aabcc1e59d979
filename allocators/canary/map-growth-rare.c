/* The same as map-growth, with every seventh block. */
#include <sys/mman.h>

#include "allocators/canary/canary_core.h"

static unsigned frees;

static void now_and_then_but_for_a_page(void *p)
{
	size_t bytes;

	if (!p || core_usable(p) <= CORE_SMALL_MAX || ++frees % 7) {
		core_free(p);
		return;
	}
	char *chunk = core_chunk(p, &bytes);

	core_unmap(chunk + 4096, bytes - 4096);
}

const struct canary canary = {.free = now_and_then_but_for_a_page};
