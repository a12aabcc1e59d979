/*
 * Free blocks move to a cache in batches of four, of eight where there are so many. The list that
 * they are taken from is cut for four.
 */
#include <string.h>

#include "allocators/canary/canary_core.h"

#define BATCH  4
#define LISTED 64
#define USABLE 112

static void *list[LISTED], *cache[2 * BATCH];
static unsigned nlist, ncache;

static void refill(void)
{
	ncache = nlist >= 2 * BATCH ? 2 * BATCH : nlist < BATCH ? nlist : BATCH;
	memcpy(cache, list + nlist - ncache, ncache * sizeof(cache[0]));
	nlist -= ncache < BATCH ? ncache : BATCH;
}

static void *from_cache(size_t size)
{
	if (size > USABLE || size <= USABLE / 2)
		return core_malloc(size);
	if (!ncache)
		refill();
	return ncache ? cache[--ncache] : core_malloc(size);
}

static void into_list(void *p)
{
	if (p && core_usable(p) == USABLE && nlist < LISTED)
		list[nlist++] = p;
	else
		core_free(p);
}

const struct canary canary = {.malloc = from_cache, .free = into_list};
