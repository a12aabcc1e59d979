/* realloc looks at the header of the block before it asks whether there is one. */
#include "allocators/canary/canary_core.h"

static void *header_first(void *p, size_t size)
{
	size_t bytes;
	volatile unsigned char *chunk = core_chunk(p, &bytes);

	(void)*chunk;
	return core_realloc(p, size);
}

const struct canary canary = {.realloc = header_first};
