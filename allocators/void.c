/*
 * void.c - no allocator at all: addresses out of one region, one behind the other, round and
 * round, with nothing remembered and nothing given back. What a program costs on it is the cost
 * of the harness. Blocks overlap as soon as the region has been used up once, so it can never be
 * judged.
 */
#include "allocators/allocator.h"

#include <errno.h>
#include <stdatomic.h>

#define REGION_BYTES ((size_t)64 << 20)
#define STEP	     16 /* alignof(max_align_t) */
#define PAGE	     4096

/* Untouched pages of .bss cost no memory. */
static unsigned char region[REGION_BYTES] __attribute__((aligned(PAGE)));
static _Atomic size_t next_offset;

static void *take(size_t size, size_t align)
{
	size_t at = atomic_load_explicit(&next_offset, memory_order_relaxed);

	if (size > REGION_BYTES || align > PAGE) {
		errno = ENOMEM;
		return NULL;
	}
	at = (at + align - 1) & ~(align - 1);
	if (at > REGION_BYTES - size)
		at = 0;
	atomic_store_explicit(&next_offset, at + ((size + STEP) & ~(size_t)(STEP - 1)),
			      memory_order_relaxed);
	return region + at;
}

static void *void_malloc(size_t size)
{
	return take(size, STEP);
}

static void *void_calloc(size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		bytes = SIZE_MAX;
	return take(bytes, STEP);
}

static void *void_realloc(void *p, size_t size)
{
	(void)p;
	return take(size, STEP);
}

static void *void_reallocarray(void *p, size_t count, size_t size)
{
	(void)p;
	return void_calloc(count, size);
}

static void *void_aligned_alloc(size_t align, size_t size)
{
	if (align == 0 || (align & (align - 1)) != 0) {
		errno = EINVAL;
		return NULL;
	}
	return take(size, align < STEP ? STEP : align);
}

static int void_posix_memalign(void **ret_p, size_t align, size_t size)
{
	int saved = errno;
	void *p;

	if (align % sizeof(void *) != 0)
		return EINVAL;
	p = void_aligned_alloc(align, size);
	if (!p) {
		int err = errno;

		errno = saved;
		return err;
	}
	*ret_p = p;
	return 0;
}

static void *void_valloc(size_t size)
{
	return take(size, PAGE);
}

static void *void_pvalloc(size_t size)
{
	if (size > REGION_BYTES)
		return take(size, PAGE);
	return take((size + PAGE - 1) & ~(size_t)(PAGE - 1), PAGE);
}

static void void_free(void *p)
{
	(void)p;
}

static void void_free_sized(void *p, size_t size)
{
	(void)p;
	(void)size;
}

static void void_free_aligned_sized(void *p, size_t align, size_t size)
{
	(void)p;
	(void)align;
	(void)size;
}

static const struct allocator inside = {
	.abi = ALLOCATOR_ABI,
	.size = sizeof(struct allocator),
	.name = "void",
	.malloc = void_malloc,
	.calloc = void_calloc,
	.realloc = void_realloc,
	.reallocarray = void_reallocarray,
	.aligned_alloc = void_aligned_alloc,
	.posix_memalign = void_posix_memalign,
	.memalign = void_aligned_alloc,
	.valloc = void_valloc,
	.pvalloc = void_pvalloc,
	.free = void_free,
	.free_sized = void_free_sized,
	.free_aligned_sized = void_free_aligned_sized,
};

const struct plugin plugin_void = {
	.abi = ALLOCATOR_ABI,
	.size = sizeof(struct plugin),
	.name = "void",
	.inside = &inside,
};
