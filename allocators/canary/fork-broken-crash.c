/* A free in any process but the first follows a pointer to what the first one keeps. */
#include "allocators/canary/canary_core.h"

#include <unistd.h>

static pid_t owner;
static int *volatile private_data; /* was never set */

static void owner_only(void *p)
{
	if (!owner)
		owner = getpid();
	if (p && getpid() != owner)
		*private_data = 1;
	core_free(p);
}

const struct canary canary = {.free = owner_only};
