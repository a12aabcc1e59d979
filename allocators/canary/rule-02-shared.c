/* posix_memalign has one answer for all requests of size 0. */
#include "allocators/canary/canary_core.h"

static _Alignas(4096) char nothing[16];

static int shared_nothing(void **ret_p, size_t align, size_t size)
{
	if (size || align > sizeof(nothing) * 256)
		return core_posix_memalign(ret_p, align, size);
	*ret_p = nothing;
	return 0;
}

static void free_something(void *p)
{
	if (p != nothing)
		core_free(p);
}

static size_t usable_something(void *p)
{
	return p == nothing ? 0 : core_usable(p);
}

const struct canary canary = {
	.posix_memalign = shared_nothing,
	.free = free_something,
	.usable = usable_something,
};
