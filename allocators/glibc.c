#include "allocators/allocator.h"

#include <errno.h>
#include <string.h>

/* Debian 12 installs into /lib, which is /usr/lib on a merged system. */
static const char *const files[] = {"/lib/x86_64-linux-gnu/libc.so.6",
				    "/usr/lib/x86_64-linux-gnu/libc.so.6", "/lib64/libc.so.6",
				    NULL};

static _Bool recognises(const struct vendor_symbols *v)
{
	return v->gnu_get_libc_version != NULL;
}

static int purge(const struct allocator *a)
{
	return a->malloc_trim ? a->malloc_trim(0) : 0;
}

static int describe(const struct allocator *a, char *buf, size_t size)
{
	const char *version;

	if (!a->vendor->gnu_get_libc_version)
		return -ENOENT;
	version = a->vendor->gnu_get_libc_version();
	if (strlen(version) >= size)
		return -ENOSPC;
	memcpy(buf, version, strlen(version) + 1);
	return 0;
}

const struct plugin plugin_glibc = {
	.abi = ALLOCATOR_ABI,
	.size = sizeof(struct plugin),
	.name = "glibc",
	.package = "libc6",
	.files = files,
	.recognises = recognises,
	.purge = purge,
	.describe = describe,
};
