/* free_sized believes that there is a block, as there is a size. */
#include "allocators/canary/canary_core.h"

static void trusting(void *p, size_t size)
{
	size_t bytes;
	volatile unsigned char *chunk = core_chunk(p, &bytes);

	(void)size;
	(void)*chunk;
	core_free(p);
}

const struct canary canary = {.free_sized = trusting};
