#include "allocators/guard/block.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "allocators/guard/large.h"
#include "allocators/guard/size_class.h"
#include "allocators/guard/span.h"

void *block_alloc(size_t size, size_t align, bool zero)
{
	bool is_zero = false;
	void *p;

	if (size > PTRDIFF_MAX)
		return NULL;
	if (size > SMALL_MAX || align > OS_PAGE)
		p = large_alloc(size, align, &is_zero);
	else if (align <= MIN_BLOCK)
		p = span_alloc(class_of(size), &is_zero);
	else
		p = span_alloc(class_of_aligned(size, align), &is_zero);
	if (p && zero && !is_zero)
		memset(p, 0, size);
	return p;
}

void *block_alloc_errno(size_t size, size_t align, bool zero)
{
	void *p = block_alloc(size, align, zero);

	if (!p)
		errno = ENOMEM;
	return p;
}

/* Where maps go, room comes for what was refused, of either kind. */
static void __attribute__((noinline)) retry_all(void)
{
	large_retry();
	slab_retry();
}

void block_free(void *p, const char *what)
{
	struct slab *slab = slab_at((uintptr_t)p);
	bool maps_gone = slab ? span_free(slab, p, what) : large_free(p, what);

	if (maps_gone)
		retry_all();
}

size_t block_usable(void *p, const char *what)
{
	struct slab *slab = slab_at((uintptr_t)p);

	return slab ? span_usable(slab, p, what) : large_usable(p, what);
}

/* Whether a block of `usable` bytes inside a span is kept for `size`: it must not be half empty. */
static bool block_suits(size_t usable, size_t size)
{
	return size <= usable && (size > usable / 2 || usable <= 4 * MIN_BLOCK);
}

/* Whether a large block of `usable` bytes is what a large block of `size` bytes would be. */
static bool is_same_pages(size_t usable, size_t size)
{
	return size <= usable && usable - size < OS_PAGE;
}

static void *block_copy(void *p, size_t usable, size_t size, const char *what)
{
	void *to = block_alloc(size, MIN_BLOCK, false);

	if (!to)
		return NULL;
	memcpy(to, p, size < usable ? size : usable);
	block_free(p, what);
	return to;
}

void *block_resize(void *p, size_t size, const char *what)
{
	bool is_large = !slab_at((uintptr_t)p);
	size_t usable = block_usable(p, what);
	void *to = NULL;

	if (size > PTRDIFF_MAX)
		return NULL;
	if (!is_large && block_suits(usable, size))
		return p;
	if (is_large && (size > SMALL_MAX || is_same_pages(usable, size)))
		to = large_resize(p, size, what);
	if (!to)
		to = block_copy(p, usable, size, what);
	if (!to && size <= usable) /* making a block smaller never fails */
		to = is_large ? large_resize(p, size, what) : p;
	return to;
}
