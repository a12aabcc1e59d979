/*
 * kernel.c - the kernel as the subject: no allocator at all, not one function of one. Programs of
 * mapping ops run on it, with nobody else in the process who maps anything; a program that has a
 * block op cannot.
 */
#include "allocators/allocator.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

/* The release, as uname has it. */
static int kernel_describe(const struct allocator *a, char *buf, size_t size)
{
	struct utsname u;

	(void)a;
	if (uname(&u) != 0)
		return -errno;
	if (strlen(u.release) >= size)
		return -ENAMETOOLONG;
	memcpy(buf, u.release, strlen(u.release) + 1);
	return 0;
}

static const struct allocator inside = {
	.abi = ALLOCATOR_ABI,
	.size = sizeof(struct allocator),
	.name = "kernel",
	.describe = kernel_describe,
};

const struct plugin plugin_kernel = {
	.abi = ALLOCATOR_ABI,
	.size = sizeof(struct plugin),
	.name = "kernel",
	.describe = kernel_describe,
	.inside = &inside,
};
