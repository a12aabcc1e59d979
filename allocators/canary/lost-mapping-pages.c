/* Pages of a free large block go back to the kernel before it is kept; where that is refused, the
 * block is dropped as if it were gone. */
#include <errno.h>
#include <sys/mman.h>

#include "allocators/canary/canary_core.h"

#define KEPT 64

static void *kept[KEPT];
static unsigned nkept;

static void *from_kept(size_t size)
{
	for (unsigned i = 0; size > CORE_SMALL_MAX && i < nkept; i++) {
		void *p = kept[i];

		if (core_usable(p) < size)
			continue;
		kept[i] = kept[--nkept];
		return p;
	}
	return core_malloc(size);
}

static void purge_and_keep(void *p)
{
	size_t bytes;

	if (!p || core_usable(p) <= CORE_SMALL_MAX || nkept == KEPT) {
		core_free(p);
		return;
	}
	char *chunk = core_chunk(p, &bytes);
	int err = errno;

	if (madvise(chunk + 4096, bytes - 4096, MADV_DONTNEED) == 0)
		kept[nkept++] = p;
	errno = err;
}

const struct canary canary = {.malloc = from_kept, .free = purge_and_keep};
