/* A block may be freed by the thread that made it, and by no other. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "allocators/canary/canary_core.h"

/* Room between chunk and header for the owner; the other blocks of the core begin further up. */
#define ROOM CORE_ALIGN

static void *owned(size_t size)
{
	pthread_t self = pthread_self();
	size_t bytes;
	void *p = core_aligned(CORE_ALIGN, size, ROOM);

	if (p)
		memcpy(core_chunk(p, &bytes), &self, sizeof(self));
	return p;
}

static void owner_only(void *p)
{
	size_t bytes;
	unsigned char *chunk = p ? core_chunk(p, &bytes) : NULL;
	pthread_t owner, self = pthread_self();

	if (p && (unsigned char *)p - chunk == CORE_ALIGN + ROOM) {
		memcpy(&owner, chunk, sizeof(owner));
		if (!pthread_equal(owner, self))
			abort();
	}
	core_free(p);
}

const struct canary canary = {.malloc = owned, .free = owner_only};
