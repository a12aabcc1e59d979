/*
 * A stale pointer: statistics go into the block that was the largest when it was allocated, 20
 * calls of malloc after that.
 */
#include "allocators/canary/canary_core.h"

#include <string.h>

static void *stale_statistics(size_t size)
{
	static unsigned char *largest;
	static size_t largest_size;
	static unsigned since;
	void *p = core_malloc(size);

	if (p && size > largest_size && size >= 20000 && size <= CORE_SMALL_MAX) {
		largest = p;
		largest_size = size;
		since = 0;
	} else if (largest && ++since == 20) {
		memset(largest + largest_size / 2, 0, 4);
	}
	return p;
}

const struct canary canary = {.malloc = stale_statistics};
