#include <errno.h>
#include <stdint.h>

#include "allocators/guard/block.h"
#include "allocators/guard/fence.h"
#include "allocators/guard/fork.h"
#include "allocators/guard/guard.h"
#include "allocators/guard/large.h"
#include "allocators/guard/mode.h"
#include "allocators/guard/os.h"
#include "allocators/guard/slab.h"
#include "allocators/guard/span.h"

static bool is_power_of_two(size_t n)
{
	return n && (n & (n - 1)) == 0;
}

void *GUARD_ENTRY(malloc)(size_t size)
{
	if (mode_is_fence())
		return fence_alloc(size, 0, ENTRY_MALLOC);
	return block_alloc_errno(size, MIN_BLOCK, false);
}

void *GUARD_ENTRY(calloc)(size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		bytes = SIZE_MAX; /* which either mode refuses */
	if (mode_is_fence())
		return fence_alloc(bytes, 0, ENTRY_CALLOC);
	return block_alloc_errno(bytes, MIN_BLOCK, true);
}

static void *resize(void *p, size_t size, const char *what)
{
	if (!p)
		return block_alloc_errno(size, MIN_BLOCK, false);
	if (!size) {
		block_free(p, what);
		return NULL;
	}
	void *to = block_resize(p, size, what);

	if (!to)
		errno = ENOMEM;
	return to;
}

void *GUARD_ENTRY(realloc)(void *p, size_t size)
{
	if (mode_is_fence())
		return fence_resize(p, size, ENTRY_REALLOC);
	return resize(p, size, "realloc");
}

void *GUARD_ENTRY(reallocarray)(void *p, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	if (mode_is_fence())
		return fence_resize(p, bytes, ENTRY_REALLOCARRAY);
	return resize(p, bytes, "reallocarray");
}

static void *aligned(size_t align, size_t size, enum entry by)
{
	if (!is_power_of_two(align)) {
		errno = EINVAL;
		return NULL;
	}
	if (mode_is_fence())
		return fence_alloc(size, align, by);
	return block_alloc_errno(size, align, false);
}

void *GUARD_ENTRY(aligned_alloc)(size_t align, size_t size)
{
	return aligned(align, size, ENTRY_ALIGNED_ALLOC);
}

void *GUARD_ENTRY(memalign)(size_t align, size_t size)
{
	return aligned(align, size, ENTRY_MEMALIGN);
}

int GUARD_ENTRY(posix_memalign)(void **ret_p, size_t align, size_t size)
{
	int saved = errno;

	if (!is_power_of_two(align) || align % sizeof(void *))
		return EINVAL;
	void *p = mode_is_fence() ? fence_alloc(size, align, ENTRY_POSIX_MEMALIGN)
				  : block_alloc(size, align, false);

	errno = saved;
	if (!p)
		return ENOMEM;
	*ret_p = p;
	return 0;
}

void *GUARD_ENTRY(valloc)(size_t size)
{
	return aligned(OS_PAGE, size, ENTRY_VALLOC);
}

void *GUARD_ENTRY(pvalloc)(size_t size)
{
	if (size <= PTRDIFF_MAX)
		size = size ? (size + OS_PAGE - 1) & ~(OS_PAGE - 1) : OS_PAGE;
	return aligned(OS_PAGE, size, ENTRY_PVALLOC);
}

void GUARD_ENTRY(free)(void *p)
{
	if (mode_was_fence())
		fence_free(p, &(struct fence_claim){0}, ENTRY_FREE);
	else if (p)
		block_free(p, "free");
}

void GUARD_ENTRY(free_sized)(void *p, size_t size)
{
	const struct fence_claim claim = {.has_size = true, .size = size};

	if (mode_was_fence())
		fence_free(p, &claim, ENTRY_FREE_SIZED);
	else if (p)
		block_free(p, "free_sized");
}

void GUARD_ENTRY(free_aligned_sized)(void *p, size_t align, size_t size)
{
	const struct fence_claim claim = {
		.has_size = true, .has_align = true, .size = size, .align = align};

	if (mode_was_fence())
		fence_free(p, &claim, ENTRY_FREE_ALIGNED_SIZED);
	else if (p)
		block_free(p, "free_aligned_sized");
}

size_t GUARD_ENTRY(malloc_usable_size)(void *p)
{
	if (mode_was_fence())
		return fence_usable(p);
	return p ? block_usable(p, "malloc_usable_size") : 0;
}

int GUARD_ENTRY(malloc_trim)(size_t pad)
{
	(void)pad;
	if (mode_was_fence())
		return fence_trim();
	bool went = large_trim();

	went |= span_idle_end();
	fork_lock_all();
	went |= slab_trim();
	fork_unlock_all();
	return went;
}
