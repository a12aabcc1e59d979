/* A list that ends in itself: the fourth free of one size walks it for ever. */
#include "allocators/canary/canary_core.h"

struct link {
	struct link *volatile next;
};

static void walk_the_list(void *p)
{
	static struct link tail = {&tail};
	static unsigned freed;

	if (core_usable(p) == 240 && ++freed == 4)
		for (struct link *at = &tail; at; at = at->next)
			;
	core_free(p);
}

const struct canary canary = {.free = walk_the_list};
