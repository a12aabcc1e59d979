/*
 * Large blocks that the kernel does not take back are cut into small ones, but only when the region
 * that those come from is used up. No defect, and it may be long until then.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "allocators/canary/canary_core.h"

#define KEPT   64
#define REGION 200 /* blocks */

/* As the core's chunks of 8 KiB are. */
struct chunk {
	size_t usable;
	uint32_t offset, bin;
	char block[8192 - CORE_ALIGN];
};

static struct kept {
	struct chunk *at, *end;
} kept[KEPT];
static unsigned nkept, blocks;

static void *from_kept(size_t size)
{
	if (size <= 4096 || size > sizeof(kept[0].at->block) || ++blocks < REGION || !nkept)
		return core_malloc(size);
	struct kept *k = &kept[nkept - 1];
	struct chunk *chunk = k->at++;

	if (k->at == k->end)
		nkept--;
	chunk->usable = sizeof(chunk->block);
	chunk->offset = CORE_ALIGN;
	chunk->bin = 8;
	return chunk->block;
}

static void unmap_or_keep(void *p)
{
	size_t bytes;

	if (!p || core_usable(p) <= CORE_SMALL_MAX || nkept == KEPT) {
		core_free(p);
		return;
	}
	struct chunk *chunk = core_chunk(p, &bytes);
	int err = errno;

	if (munmap(chunk, bytes) != 0)
		kept[nkept++] = (struct kept){chunk, chunk + bytes / sizeof(*chunk)};
	errno = err;
}

const struct canary canary = {.malloc = from_kept, .free = unmap_or_keep};
