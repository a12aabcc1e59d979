/* A freed mapping is unmapped, and kept for the next request of its size all the same. */
#include "allocators/canary/canary_core.h"

static void *kept;
static size_t kept_size;

static void keep(void *p)
{
	size_t usable = p ? core_usable(p) : 0;

	core_free(p);
	if (usable > CORE_SMALL_MAX) {
		kept = p;
		kept_size = usable;
	}
}

static void *serve_kept(size_t size)
{
	void *p = kept;

	if (!p || size > kept_size || size <= CORE_SMALL_MAX)
		return core_malloc(size);
	kept = NULL;
	return p;
}

const struct canary canary = {.malloc = serve_kept, .free = keep};
