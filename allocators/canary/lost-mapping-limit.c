/* What is refused is tried again, but only the last of it is remembered. */
#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "allocators/canary/canary_core.h"

/* With errno as it was. */
static bool unmapped(void *chunk, size_t bytes)
{
	int err = errno;
	bool gone = munmap(chunk, bytes) == 0;

	errno = err;
	return gone;
}

static void *refused;
static size_t refused_bytes;

static void unmap_or_remember(void *p)
{
	size_t bytes;

	if (!p || core_usable(p) <= CORE_SMALL_MAX) {
		core_free(p);
		return;
	}
	void *chunk = core_chunk(p, &bytes);

	if (refused && unmapped(refused, refused_bytes))
		refused = NULL;
	if (unmapped(chunk, bytes))
		return;
	refused = chunk;
	refused_bytes = bytes;
}

static int try_again(size_t pad)
{
	(void)pad;
	if (!refused || !unmapped(refused, refused_bytes))
		return 0;
	refused = NULL;
	return 1;
}

const struct canary canary = {.free = unmap_or_remember, .trim = try_again};
