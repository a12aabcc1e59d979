/* Alignments under 64 KiB have classes, larger ones get mappings, and 64 KiB has nothing. */
#include "allocators/canary/canary_core.h"

#include <errno.h>

static void *below_or_above(size_t align, size_t size)
{
	if (align == 65536) {
		errno = ENOMEM;
		return NULL;
	}
	return core_aligned_alloc(align, size);
}

const struct canary canary = {.aligned_alloc = below_or_above};
