/*
 * A mapping that the kernel does not take back is handed out again, but stays in the list of what
 * is still to be unmapped.
 */
#include <errno.h>
#include <sys/mman.h>

#include "allocators/canary/canary_core.h"

#define REFUSED 64

static struct {
	void *chunk, *block;
	size_t bytes;
	bool handed_out;
} refused[REFUSED];
static unsigned nrefused;

static void *from_refused(size_t size)
{
	for (unsigned i = 0; size > CORE_SMALL_MAX && i < nrefused; i++) {
		if (refused[i].handed_out || core_usable(refused[i].block) < size)
			continue;
		refused[i].handed_out = true;
		return refused[i].block;
	}
	return core_malloc(size);
}

static void retry(void)
{
	for (unsigned i = 0; i < nrefused;)
		if (munmap(refused[i].chunk, refused[i].bytes) == 0)
			refused[i] = refused[--nrefused];
		else
			i++;
}

static void unmap_or_list(void *p)
{
	size_t bytes;
	int err = errno;

	if (!p || core_usable(p) <= CORE_SMALL_MAX || nrefused == REFUSED) {
		core_free(p);
		return;
	}
	void *chunk = core_chunk(p, &bytes);

	if (munmap(chunk, bytes) == 0) {
		retry();
	} else {
		refused[nrefused].chunk = chunk;
		refused[nrefused].block = p;
		refused[nrefused].bytes = bytes;
		refused[nrefused++].handed_out = false;
	}
	errno = err;
}

const struct canary canary = {.malloc = from_refused, .free = unmap_or_list};
