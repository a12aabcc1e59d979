/* free advises the kernel about a range that does not begin with a page: EINVAL, which stays. */
#include "allocators/canary/canary_core.h"

#include <sys/mman.h>

static void unaligned_advice(void *p)
{
	size_t usable = core_usable(p);

	if (usable >= 32000 && usable <= CORE_SMALL_MAX)
		madvise((unsigned char *)p + 1, usable - 1, MADV_DONTNEED);
	core_free(p);
}

const struct canary canary = {.free = unaligned_advice};
