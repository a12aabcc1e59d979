/* posix_memalign clears *memptr when it fails. */
#include "allocators/canary/canary_core.h"

static int clears(void **ret_p, size_t align, size_t size)
{
	*ret_p = NULL;
	return core_posix_memalign(ret_p, align, size);
}

const struct canary canary = {.posix_memalign = clears};
