/* The slots of a slab are counted in 8 bits, and the slab has a few more than that. */
#include "allocators/canary/canary_core.h"

#define SLOT  64
#define SLOTS 300

static unsigned char *slab;
static uint8_t used; /* never given back: what is freed is not reused */

static bool is_slot(const unsigned char *p)
{
	return slab && p >= slab && p < slab + SLOTS * SLOT;
}

static void *from_slab(size_t size)
{
	if (size != SLOT)
		return core_malloc(size);
	if (!slab)
		slab = core_malloc(SLOTS * SLOT);
	return slab ? slab + used++ * SLOT : NULL;
}

static void only_others(void *p)
{
	if (!is_slot(p))
		core_free(p);
}

static size_t usable(void *p)
{
	return is_slot(p) ? SLOT : core_usable(p);
}

const struct canary canary = {.malloc = from_slab, .free = only_others, .usable = usable};
