/* Writes the header of a large block without looking whether there is one. */
#include <string.h>
#include <sys/mman.h>

#include "allocators/canary/canary_core.h"

static void *without_looking(size_t size)
{
	if (size <= CORE_SMALL_MAX || size > PTRDIFF_MAX)
		return core_malloc(size);
	void *p = core_malloc(size);
	size_t usable = p ? core_usable(p) : size;
	uintptr_t header = (uintptr_t)p - CORE_ALIGN;

	memcpy((void *)header, &usable, sizeof(usable));
	return p;
}

const struct canary canary = {.malloc = without_looking};
