#include "allocators/allocator.h"

static const char *const files[] = {"allocators/libguard.so", NULL};

static int purge(const struct allocator *a)
{
	return a->malloc_trim ? a->malloc_trim(0) : 0;
}

const struct plugin plugin_guard = {
	.abi = ALLOCATOR_ABI,
	.size = sizeof(struct plugin),
	.name = "guard",
	.version = ALLOCRIG_VERSION,
	.files = files,
	.purge = purge,
};
