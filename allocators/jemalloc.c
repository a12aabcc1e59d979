#include "allocators/allocator.h"

#include <errno.h>
#include <string.h>

/* MALLCTL_ARENAS_ALL of jemalloc 5: the index that means every arena. */
#define PURGE_ALL_ARENAS "arena.4096.purge"

static const char *const files[] = {"/usr/lib/x86_64-linux-gnu/libjemalloc.so.2", NULL};

static _Bool recognises(const struct vendor_symbols *v)
{
	return v->mallctl != NULL;
}

/* The calling thread's cache first: what it holds is not unused to the arenas. */
static int purge(const struct allocator *a)
{
	if (!a->vendor->mallctl)
		return 0;
	a->vendor->mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
	a->vendor->mallctl(PURGE_ALL_ARENAS, NULL, NULL, NULL, 0);
	return 0;
}

static int describe(const struct allocator *a, char *buf, size_t size)
{
	const char *version = NULL;
	size_t len = sizeof(version);

	if (!a->vendor->mallctl || a->vendor->mallctl("version", &version, &len, NULL, 0) != 0 ||
	    !version)
		return -ENOENT;
	if (strlen(version) >= size)
		return -ENOSPC;
	memcpy(buf, version, strlen(version) + 1);
	return 0;
}

const struct plugin plugin_jemalloc = {
	.abi = ALLOCATOR_ABI,
	.size = sizeof(struct plugin),
	.name = "jemalloc",
	.package = "libjemalloc2",
	.files = files,
	.recognises = recognises,
	.purge = purge,
	.describe = describe,
};
