#include "harness/base/arena.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static int init(struct arena *a, size_t size, int sharing)
{
	size_t page = page_size();

	if (size > SIZE_MAX - 3 * page)
		return -ENOMEM;
	size = (size + page - 1) & ~(page - 1);
	unsigned char *region = mmap(NULL, size + 2 * page, PROT_NONE,
				     sharing | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (region == MAP_FAILED)
		return -errno;
	if (mprotect(region + page, size, PROT_READ | PROT_WRITE) != 0) {
		int err = errno;

		munmap(region, size + 2 * page);
		return -err;
	}
	*a = (struct arena){.base = region + page, .size = size};
	return 0;
}

int arena_init(struct arena *a, size_t size)
{
	return init(a, size, MAP_PRIVATE);
}

int arena_init_shared(struct arena *a, size_t size)
{
	return init(a, size, MAP_SHARED);
}

void arena_release(struct arena *a)
{
	size_t page = page_size();

	if (a->base)
		munmap(a->base - page, a->size + 2 * page);
	*a = (struct arena){0};
}

void *arena_take_raw(struct arena *a, size_t size, size_t align)
{
	assert(align && (align & (align - 1)) == 0);
	size_t at = (a->used + align - 1) & ~(align - 1);

	if (at < a->used || at > a->size || size > a->size - at)
		return NULL;
	a->used = at + size;
	if (a->high < a->used)
		a->high = a->used;
	return a->base + at;
}

void *arena_take(struct arena *a, size_t size, size_t align)
{
	size_t high = a->high;
	unsigned char *p = arena_take_raw(a, size, align);

	if (p && p < a->base + high) {
		size_t used_before = (size_t)(a->base + high - p);

		memset(p, 0, size < used_before ? size : used_before);
	}
	return p;
}

void arena_rewind(struct arena *a, size_t used)
{
	assert(used <= a->used);
	a->used = used;
}
