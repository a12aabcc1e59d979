/* malloc(0) has one answer for everyone: C17 7.22.3 wants it unique while it lives. */
#include "allocators/canary/canary_core.h"

static _Alignas(16) char nothing[16];

static void *shared_nothing(size_t size)
{
	return size ? core_malloc(size) : nothing;
}

static void free_something(void *p)
{
	if (p != nothing)
		core_free(p);
}

static void *realloc_something(void *p, size_t size)
{
	return core_realloc(p == nothing ? NULL : p, size);
}

static size_t usable_something(void *p)
{
	return p == nothing ? 0 : core_usable(p);
}

const struct canary canary = {
	.malloc = shared_nothing,
	.realloc = realloc_something,
	.free = free_something,
	.usable = usable_something,
};
