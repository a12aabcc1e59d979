/* Unlinking the third large block follows a pointer that was never set. */
#include "allocators/canary/canary_core.h"

struct link {
	struct link *next, *before;
};

static void unlink_null(void *p)
{
	static unsigned freed;
	static struct link *volatile head;

	if (core_usable(p) > CORE_SMALL_MAX && ++freed == 3)
		head->next->before = head;
	core_free(p);
}

const struct canary canary = {.free = unlink_null};
