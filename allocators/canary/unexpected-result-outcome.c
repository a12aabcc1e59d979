/*
 * Every eighth small block brings a new page for statistics, and where that is refused there is no
 * block, although there would be room for it.
 */
#include <errno.h>
#include <sys/mman.h>

#include "allocators/canary/canary_core.h"

static void *statistics_first(size_t size)
{
	static unsigned count;

	if (size != 100 || ++count % 8)
		return core_malloc(size);
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED) {
		errno = ENOMEM;
		return NULL;
	}
	munmap(page, 4096);
	return core_malloc(size);
}

const struct canary canary = {.malloc = statistics_first};
