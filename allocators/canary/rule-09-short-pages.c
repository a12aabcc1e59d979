/* pvalloc is valloc, and promises no byte more than it was asked for. */
#include "allocators/canary/canary_core.h"

static void *last;
static size_t last_size;

static void *not_rounded(size_t size)
{
	last = core_aligned(4096, size, 0);
	last_size = size;
	return last;
}

static size_t not_a_byte_more(void *p)
{
	return p && p == last ? last_size : core_usable(p);
}

const struct canary canary = {.pvalloc = not_rounded, .usable = not_a_byte_more};
