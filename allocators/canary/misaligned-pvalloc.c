/* pvalloc rounds the size up to pages, and the address only where that is more than one. */
#include "allocators/canary/canary_core.h"

#include <errno.h>

static void *one_page_anywhere(size_t size)
{
	if (size > PTRDIFF_MAX) {
		errno = ENOMEM;
		return NULL;
	}
	size_t rounded = (size + 4095) & ~(size_t)4095;

	/* Not on a page by luck either: half a page behind its beginning. */
	return core_aligned(4096, rounded, rounded > 4096 ? 0 : 2048);
}

const struct canary canary = {.pvalloc = one_page_anywhere};
