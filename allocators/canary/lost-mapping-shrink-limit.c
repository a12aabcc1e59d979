/* realloc gives the end of a large block back, and believes that it went. */
#include <string.h>
#include <sys/mman.h>

#include "allocators/canary/canary_core.h"

static void *cut_the_end(void *p, size_t size)
{
	size_t bytes, head = (size + CORE_ALIGN + 4095) & ~(size_t)4095;

	if (!p || size <= CORE_SMALL_MAX || size >= core_usable(p))
		return core_realloc(p, size);
	char *chunk = core_chunk(p, &bytes);

	if (p != chunk + CORE_ALIGN || head >= bytes)
		return core_realloc(p, size);
	munmap(chunk + head, bytes - head);
	size_t usable = head - CORE_ALIGN;

	memcpy((char *)p - CORE_ALIGN, &usable, sizeof(usable));
	return p;
}

const struct canary canary = {.realloc = cut_the_end};
