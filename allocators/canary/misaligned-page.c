/* valloc asks for the alignment of a cache line. */
#include "allocators/canary/canary_core.h"

static void *line_aligned(size_t size)
{
	/* Not on a page by luck either: half a page behind its beginning. */
	return core_aligned(4096, size, 2048);
}

const struct canary canary = {.valloc = line_aligned};
