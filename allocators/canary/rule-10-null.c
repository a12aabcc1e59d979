/* free(NULL) is refused as a bad argument. */
#include <errno.h>

#include "allocators/canary/canary_core.h"

static void refuses_null(void *p)
{
	if (!p)
		errno = EINVAL;
	core_free(p);
}

const struct canary canary = {.free = refuses_null};
