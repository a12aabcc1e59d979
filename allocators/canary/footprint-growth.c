/* Large blocks of one size are never unmapped. The mappings merge: the map count does not show it.
 */
#include "allocators/canary/canary_core.h"

static void but_for_one_size(void *p)
{
	size_t usable = p ? core_usable(p) : 0;

	if (usable < 300000 || usable > 310000)
		core_free(p);
}

const struct canary canary = {.free = but_for_one_size};
