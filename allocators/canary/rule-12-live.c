/* A purge drops pages of the chunk behind the one that was freed last. */
#include <stdint.h>
#include <sys/mman.h>

#include "allocators/canary/canary_core.h"

#define CHUNK 16384 /* the one size that is purged */
#define PAGE  4096

static uintptr_t last_freed;

static void remember(void *p)
{
	if (core_usable(p) == CHUNK - CORE_ALIGN)
		last_freed = (uintptr_t)p - CORE_ALIGN;
	core_free(p);
}

static int one_chunk_late(size_t pad)
{
	(void)pad;
	/* The first page has the header. */
	return last_freed &&
	       madvise((void *)(last_freed + CHUNK + PAGE), CHUNK - PAGE, MADV_DONTNEED) == 0;
}

const struct canary canary = {.free = remember, .trim = one_chunk_late};
