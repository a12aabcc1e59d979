/* The usable size of NULL is that of the smallest block. */
#include "allocators/canary/canary_core.h"

static size_t smallest(void *p)
{
	return p ? core_usable(p) : CORE_ALIGN;
}

const struct canary canary = {.usable = smallest};
