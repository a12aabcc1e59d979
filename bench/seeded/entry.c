/*
 * The calls of the malloc family, whole, so that no block of another allocator comes in.
 */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bench/seeded/seed.h"

#define EXPORT	__attribute__((visibility("default")))
#define PAGE	((size_t)4096)
#define NATURAL ((size_t)16)

static void *refuse(int err)
{
	errno = err;
	return NULL;
}

static void *take(size_t size, size_t align)
{
	void *p = pool_take(size, align);

	return p ? p : refuse(ENOMEM);
}

EXPORT void *malloc(size_t size)
{
	return take(size, NATURAL);
}

EXPORT void free(void *p)
{
	if (p)
		pool_give(p);
}

EXPORT void *calloc(size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all))
		return refuse(ENOMEM);
	void *p = take(all, NATURAL);

	return p && !pool_is_zero(p) ? memset(p, 0, all) : p;
}

EXPORT void *realloc(void *p, size_t size)
{
	size_t had = p ? pool_usable(p) : 0;

	if (!p)
		return take(size, NATURAL);
	if (!size) {
		pool_give(p);
		return NULL;
	}
	if (size <= had && size > had / 2)
		return p;
	void *fresh = take(size, NATURAL);

	if (fresh) {
		memcpy(fresh, p, had < size ? had : size);
		pool_give(p);
	}
	return fresh;
}

EXPORT void *reallocarray(void *p, size_t n, size_t size)
{
	size_t all;

	return __builtin_mul_overflow(n, size, &all) ? refuse(ENOMEM) : realloc(p, all);
}

static int is_power(size_t n)
{
	return n && !(n & (n - 1));
}

EXPORT void *memalign(size_t align, size_t size)
{
	return is_power(align) ? take(size, align) : refuse(EINVAL);
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
	return memalign(align, size);
}

EXPORT int posix_memalign(void **ret_p, size_t align, size_t size)
{
	if (!is_power(align) || align % sizeof(void *))
		return EINVAL;
	void *p = pool_take(size, align);

	if (!p)
		return ENOMEM;
	*ret_p = p;
	return 0;
}

EXPORT void *valloc(size_t size)
{
	return take(size, PAGE);
}

EXPORT void *pvalloc(size_t size)
{
	if (size > SIZE_MAX - PAGE)
		return refuse(ENOMEM);
	return take(size ? (size + PAGE - 1) & ~(PAGE - 1) : PAGE, PAGE);
}

EXPORT size_t malloc_usable_size(void *p)
{
	return p ? pool_usable(p) : 0;
}

EXPORT int malloc_trim(size_t pad)
{
	(void)pad;
	return pool_trim();
}
