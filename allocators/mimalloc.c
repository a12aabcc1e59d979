#include "allocators/allocator.h"

#include <errno.h>

static const char *const files[] = {"/usr/lib/x86_64-linux-gnu/libmimalloc.so.2.0",
				    "/usr/lib/x86_64-linux-gnu/libmimalloc.so.2", NULL};

static _Bool recognises(const struct vendor_symbols *v)
{
	return v->mi_collect != NULL;
}

static int purge(const struct allocator *a)
{
	if (a->vendor->mi_collect)
		a->vendor->mi_collect(1);
	return 0;
}

/* Decimal digits without leading zeros, `n` below 100. */
static char *put_number(char *at, int n)
{
	if (n >= 10)
		*at++ = (char)('0' + n / 10);
	*at++ = (char)('0' + n % 10);
	return at;
}

/* mi_version() is one digit each, 209 for 2.0.9; later releases have two for minor and patch. */
static int describe(const struct allocator *a, char *buf, size_t size)
{
	int version = a->vendor->mi_version ? a->vendor->mi_version() : 0;
	int base = version < 1000 ? 10 : 100;

	if (version <= 0 || version >= 1000000)
		return -ENOENT;
	if (size < sizeof("99.99.99"))
		return -ENOSPC;
	buf = put_number(buf, version / base / base);
	*buf++ = '.';
	buf = put_number(buf, version / base % base);
	*buf++ = '.';
	buf = put_number(buf, version % base);
	*buf = '\0';
	return 0;
}

const struct plugin plugin_mimalloc = {
	.abi = ALLOCATOR_ABI,
	.size = sizeof(struct plugin),
	.name = "mimalloc",
	.package = "libmimalloc2.0",
	.files = files,
	.recognises = recognises,
	.purge = purge,
	.describe = describe,
};
