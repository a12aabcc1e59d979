/* trim empties the cache of large blocks, but its loop ends at half of it. */
#include "allocators/canary/canary_core.h"

#define CACHED 8

static void *cached[CACHED];

static void *from_cache(size_t size)
{
	for (unsigned i = 0; size > CORE_SMALL_MAX && i < CACHED; i++) {
		void *p = cached[i];

		if (!p || core_usable(p) < size)
			continue;
		cached[i] = NULL;
		return p;
	}
	return core_malloc(size);
}

static void into_cache(void *p)
{
	for (unsigned i = 0; p && core_usable(p) > CORE_SMALL_MAX && i < CACHED; i++) {
		if (cached[i])
			continue;
		cached[i] = p;
		return;
	}
	core_free(p);
}

static int half(size_t pad)
{
	int freed = 0;

	(void)pad;
	for (unsigned i = 0; i < CACHED / 2; i++) {
		freed |= cached[i] != NULL;
		core_free(cached[i]);
		cached[i] = NULL;
	}
	return freed;
}

const struct canary canary = {.malloc = from_cache, .free = into_cache, .trim = half};
