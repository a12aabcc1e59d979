/* A block is cut by mremap; its size is written down before it is known that the tail went. */
#include <string.h>
#include <sys/mman.h>

#include "allocators/canary/canary_core.h"

static void *shrink_in_place(void *p, size_t size)
{
	size_t bytes, head = (size + 2 * 4096) & ~(size_t)4095;

	if (!p || size <= CORE_SMALL_MAX || size >= core_usable(p))
		return core_realloc(p, size);
	char *chunk = core_chunk(p, &bytes);

	if (head >= bytes)
		return p;
	mremap(chunk, bytes, head, 0);
	size_t usable = core_usable(p) - (bytes - head);

	memcpy((char *)p - CORE_ALIGN, &usable, sizeof(usable));
	return p;
}

const struct canary canary = {.realloc = shrink_in_place};
