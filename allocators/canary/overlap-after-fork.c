/*
 * In a child of fork() the caches of threads that are gone go to everybody, and so does that of the
 * thread that lives on, which keeps it all the same.
 */
#include <unistd.h>

#include "allocators/canary/canary_core.h"

static void *cached; /* the block that was freed last */
static pid_t process;

static void gather_caches(void)
{
	if (process && process != getpid())
		core_free(cached);
	process = getpid();
}

static void *from_cache(size_t size)
{
	void *p = cached;

	gather_caches();
	if (!p || size > core_usable(p) || size <= core_usable(p) / 2)
		return core_malloc(size);
	cached = NULL;
	return p;
}

static void into_cache(void *p)
{
	gather_caches();
	if (!p || core_usable(p) > CORE_SMALL_MAX) {
		core_free(p);
		return;
	}
	core_free(cached);
	cached = p;
}

const struct canary canary = {.malloc = from_cache, .free = into_cache};
