/* A few large blocks are kept when they are freed; calloc takes all large ones for fresh. */
#include "allocators/canary/canary_core.h"

#define KEPT 4

static void *kept[KEPT];

static void *from_kept(size_t size)
{
	for (unsigned i = 0; size > CORE_SMALL_MAX && i < KEPT; i++) {
		void *p = kept[i];

		if (!p || core_usable(p) < size || core_usable(p) > 2 * size)
			continue;
		kept[i] = NULL;
		return p;
	}
	return core_malloc(size);
}

static void keep(void *p)
{
	for (unsigned i = 0; p && core_usable(p) > CORE_SMALL_MAX && i < KEPT; i++) {
		if (kept[i])
			continue;
		kept[i] = p;
		return;
	}
	core_free(p);
}

static void *fresh_is_zero(size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes) || bytes <= CORE_SMALL_MAX)
		return core_calloc(count, size);
	return from_kept(bytes);
}

const struct canary canary = {.malloc = from_kept, .calloc = fresh_is_zero, .free = keep};
