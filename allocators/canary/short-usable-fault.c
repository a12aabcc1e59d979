/* The guard page behind a large block counts as usable. */
#include "allocators/canary/canary_core.h"

#include <sys/mman.h>

static void *guarded(size_t size)
{
	if (size <= 2 * CORE_SMALL_MAX || size > PTRDIFF_MAX / 2)
		return core_malloc(size);
	unsigned char *p = core_malloc(size + 4096);

	if (p)
		mprotect(p + core_usable(p) - 4096, 4096, PROT_NONE);
	return p;
}

const struct canary canary = {.malloc = guarded};
