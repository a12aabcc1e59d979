/* posix_memalign returns -1 and sets errno, as if it were a system call. */
#include "allocators/canary/canary_core.h"

#include <errno.h>

static int like_a_system_call(void **ret_p, size_t align, size_t size)
{
	int err = core_posix_memalign(ret_p, align, size);

	return err ? -1 : 0;
}

const struct canary canary = {.posix_memalign = like_a_system_call};
