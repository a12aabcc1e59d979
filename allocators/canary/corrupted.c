/*
 * A boundary tag of the next chunk is kept in the last word of the one before, which is only free
 * to use while that one is free. Every fifth small malloc forgets to ask.
 */
#include "allocators/canary/canary_core.h"

#include <string.h>

static void *tag_in_the_neighbour(size_t size)
{
	static unsigned char *before;
	static unsigned count;
	void *p = core_malloc(size);

	if (!p || size > 48)
		return p;
	if (before && ++count % 5 == 0)
		memcpy(before + core_usable(before) - 8, &size, 8);
	before = p;
	return p;
}

const struct canary canary = {.malloc = tag_in_the_neighbour};
