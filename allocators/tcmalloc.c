#include "allocators/allocator.h"

#include <errno.h>
#include <string.h>

static const char *const files[] = {"/usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4", NULL};

static _Bool recognises(const struct vendor_symbols *v)
{
	return v->tc_version != NULL;
}

/* An idle thread gives its cache back; only then are the spans behind it free to be released. */
static int purge(const struct allocator *a)
{
	if (a->vendor->tc_mark_thread_idle)
		a->vendor->tc_mark_thread_idle();
	if (a->vendor->tc_release_free_memory)
		a->vendor->tc_release_free_memory();
	return 0;
}

static int describe(const struct allocator *a, char *buf, size_t size)
{
	const char *version;

	if (!a->vendor->tc_version)
		return -ENOENT;
	version = a->vendor->tc_version(NULL, NULL, NULL);
	if (strlen(version) >= size)
		return -ENOSPC;
	memcpy(buf, version, strlen(version) + 1);
	return 0;
}

const struct plugin plugin_tcmalloc = {
	.abi = ALLOCATOR_ABI,
	.size = sizeof(struct plugin),
	.name = "tcmalloc",
	.package = "libtcmalloc-minimal4",
	.files = files,
	.recognises = recognises,
	.purge = purge,
	.describe = describe,
};
