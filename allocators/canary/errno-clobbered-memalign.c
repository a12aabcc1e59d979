/* posix_memalign returns its error and sets errno as well, which POSIX.1-2008 TC2 forbids. */
#include "allocators/canary/canary_core.h"

#include <errno.h>

static int sets_errno(void **ret_p, size_t align, size_t size)
{
	int err = core_posix_memalign(ret_p, align, size);

	if (err)
		errno = err;
	return err;
}

const struct canary canary = {.posix_memalign = sets_errno};
