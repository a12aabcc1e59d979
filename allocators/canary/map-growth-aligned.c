/*
 * free unmaps a large block from its page on. That is the first page of the mapping, unless the
 * block is aligned to a page or more: then the header lies in another one before it.
 */
#include <errno.h>

#include "allocators/canary/canary_core.h"

static void from_its_page(void *p)
{
	size_t bytes;

	if (!p || core_usable(p) <= CORE_SMALL_MAX) {
		core_free(p);
		return;
	}
	char *chunk = core_chunk(p, &bytes);
	size_t before = (size_t)((char *)p - chunk) & ~(size_t)4095;
	int err = errno;

	core_unmap(chunk + before, bytes - before);
	errno = err;
}

const struct canary canary = {.free = from_its_page};
