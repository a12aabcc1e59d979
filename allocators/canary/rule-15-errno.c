/* Memory that the kernel refuses may be there the next time: EAGAIN. */
#include <errno.h>

#include "allocators/canary/canary_core.h"

static void *try_again(size_t size)
{
	void *p = core_malloc(size);

	if (!p && size <= PTRDIFF_MAX / 2)
		errno = EAGAIN;
	return p;
}

const struct canary canary = {.malloc = try_again};
