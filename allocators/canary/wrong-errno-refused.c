/*
 * Blocks over 1 MiB try for their room alone first, and when that is refused errno is the kernel's:
 * EAGAIN where memory is locked, not ENOMEM.
 */
#include <sys/mman.h>

#include "allocators/canary/canary_core.h"

static void *ask_the_kernel(size_t size)
{
	if (size <= 1u << 20 || size > PTRDIFF_MAX / 4)
		return core_malloc(size);
	void *room = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (room == MAP_FAILED)
		return NULL;
	munmap(room, size);
	return core_malloc(size);
}

const struct canary canary = {.malloc = ask_the_kernel};
