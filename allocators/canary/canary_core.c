#include "allocators/canary/canary_core.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BINS	12 /* 32 bytes << bin; the last is 64 KiB */
#define BIN_MIN 32
#define MAPPED	BINS
#define REGION	(1u << 20)
#define EXPORT	__attribute__((visibility("default")))

struct header {
	size_t usable;
	uint32_t offset; /* from the chunk's start to the block */
	uint32_t bin;
};

_Static_assert(sizeof(struct header) == CORE_ALIGN, "the header keeps blocks aligned");

/* The link lies where the block was, as in most allocators. */
struct free_chunk {
	struct header unused;
	struct free_chunk *next;
};

/* A mapping that the kernel did not take back. Its link lies in it, as there is no other place. */
struct kept {
	struct kept *next;
	size_t bytes;
};

static struct free_chunk *lists[BINS];
static struct kept *kept;
static unsigned char *region, *region_end;
static atomic_flag lock = ATOMIC_FLAG_INIT;

static void lock_take(void)
{
	while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire))
		sched_yield();
}

static void lock_drop(void)
{
	atomic_flag_clear_explicit(&lock, memory_order_release);
}

__attribute__((constructor)) static void prepare_for_fork(void)
{
	pthread_atfork(lock_take, lock_drop, canary.lock_stays_held_in_child ? NULL : lock_drop);
}

static size_t page_rounded(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) & ~(page - 1);
}

static void *map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* A kept mapping that is large enough, cleared; else a fresh one. */
static void *mapping_take(size_t *bytes)
{
	struct kept **at = &kept;

	lock_take();
	while (*at && (*at)->bytes < *bytes)
		at = &(*at)->next;
	struct kept *found = *at;

	if (found)
		*at = found->next;
	lock_drop();
	if (!found)
		return map(*bytes);
	*bytes = found->bytes;
	memset(found, 0, *bytes);
	return found;
}

/* All that was refused before is tried again when something goes. */
static void mappings_retry(void)
{
	lock_take();
	for (struct kept **at = &kept; *at;) {
		struct kept *one = *at, *next = one->next;

		if (munmap(one, one->bytes) == 0)
			*at = next;
		else
			at = &one->next;
	}
	lock_drop();
}

void core_unmap(void *chunk, size_t bytes)
{
	struct kept *one = chunk;

	if (munmap(chunk, bytes) == 0) {
		mappings_retry();
		return;
	}
	madvise(chunk, bytes, MADV_DONTNEED);
	*one = (struct kept){.bytes = bytes};
	lock_take();
	one->next = kept;
	kept = one;
	lock_drop();
}

static size_t bin_bytes(uint32_t bin)
{
	return (size_t)BIN_MIN << bin;
}

static void *chunk_cut(uint32_t bin)
{
	size_t size = bin_bytes(bin);

	if ((size_t)(region_end - region) < size) {
		unsigned char *fresh = map(REGION);

		if (!fresh)
			return NULL;
		region = fresh;
		region_end = fresh + REGION;
	}
	region += size;
	return region - size;
}

static void *chunk_take(uint32_t bin)
{
	lock_take();
	struct free_chunk *chunk = lists[bin];

	if (chunk)
		lists[bin] = chunk->next;
	else
		chunk = chunk_cut(bin);
	lock_drop();
	return chunk;
}

static struct header header_of(void *p)
{
	struct header h;

	memcpy(&h, (unsigned char *)p - sizeof(h), sizeof(h));
	return h;
}

/* Places a block into a chunk of `bytes` bytes. */
static void *block_place(unsigned char *chunk, size_t bytes, uint32_t bin, size_t align,
			 size_t skew)
{
	uintptr_t at = ((uintptr_t)chunk + sizeof(struct header) + align - 1) & ~(align - 1);
	unsigned char *p = chunk + (at - (uintptr_t)chunk) + skew;
	struct header h = {
		.usable = (size_t)(chunk + bytes - p), .offset = (uint32_t)(p - chunk), .bin = bin};

	memcpy(p - sizeof(h), &h, sizeof(h));
	return p;
}

void *core_aligned(size_t align, size_t size, size_t skew)
{
	size_t slack = (align > CORE_ALIGN ? align : 0) + skew + sizeof(struct header);
	uint32_t bin = 0;

	/* The offset is kept in 32 bits. */
	if (align > UINT32_MAX / 2 || size > PTRDIFF_MAX - UINT32_MAX) {
		errno = ENOMEM;
		return NULL;
	}
	align = align < CORE_ALIGN ? CORE_ALIGN : align;
	while (bin < BINS && bin_bytes(bin) < size + slack)
		bin++;
	size_t bytes = bin < BINS ? bin_bytes(bin) : page_rounded(size + slack);
	unsigned char *chunk = bin < BINS ? chunk_take(bin) : mapping_take(&bytes);

	if (!chunk) {
		errno = ENOMEM;
		return NULL;
	}
	return block_place(chunk, bytes, bin, align, skew);
}

void *core_malloc(size_t size)
{
	return core_aligned(CORE_ALIGN, size, 0);
}

void core_free(void *p)
{
	if (!p)
		return;
	struct header h = header_of(p);
	struct free_chunk *chunk = (void *)((unsigned char *)p - h.offset);
	int err = errno;

	if (h.bin == MAPPED) {
		core_unmap(chunk, h.offset + h.usable);
	} else {
		lock_take();
		chunk->next = lists[h.bin];
		lists[h.bin] = chunk;
		lock_drop();
	}
	errno = err;
}

void *core_chunk(void *p, size_t *ret_bytes)
{
	struct header h = header_of(p);

	*ret_bytes = h.offset + h.usable;
	return (unsigned char *)p - h.offset;
}

size_t core_usable(void *p)
{
	return p ? header_of(p).usable : 0;
}

void *core_calloc(size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	void *p = core_malloc(bytes);

	if (p && bytes <= CORE_SMALL_MAX)
		memset(p, 0, bytes);
	return p;
}

void *core_realloc(void *p, size_t size)
{
	if (!p)
		return core_malloc(size);
	if (size == 0) {
		core_free(p);
		return NULL;
	}
	size_t old = core_usable(p);

	if (size <= old && size >= old / 4)
		return p;
	void *fresh = core_malloc(size);

	if (!fresh)
		return NULL;
	memcpy(fresh, p, old < size ? old : size);
	core_free(p);
	return fresh;
}

void *core_reallocarray(void *p, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return canary.realloc ? canary.realloc(p, bytes) : core_realloc(p, bytes);
}

static bool power_of_two(size_t x)
{
	return x && (x & (x - 1)) == 0;
}

void *core_aligned_alloc(size_t align, size_t size)
{
	if (!power_of_two(align)) {
		errno = EINVAL;
		return NULL;
	}
	return core_aligned(align, size, 0);
}

int core_posix_memalign(void **ret_p, size_t align, size_t size)
{
	int err = errno;

	if (!power_of_two(align) || align % sizeof(void *))
		return EINVAL;
	void *p = core_aligned(align, size, 0);

	errno = err;
	if (!p)
		return ENOMEM;
	*ret_p = p;
	return 0;
}

void *core_pvalloc(size_t size)
{
	if (size > PTRDIFF_MAX) {
		errno = ENOMEM;
		return NULL;
	}
	return core_aligned(page_rounded(1), page_rounded(size), 0);
}

EXPORT void *malloc(size_t size)
{
	return canary.malloc ? canary.malloc(size) : core_malloc(size);
}

EXPORT void *calloc(size_t count, size_t size)
{
	return canary.calloc ? canary.calloc(count, size) : core_calloc(count, size);
}

EXPORT void *realloc(void *p, size_t size)
{
	return canary.realloc ? canary.realloc(p, size) : core_realloc(p, size);
}

EXPORT void *reallocarray(void *p, size_t count, size_t size)
{
	return canary.reallocarray ? canary.reallocarray(p, count, size)
				   : core_reallocarray(p, count, size);
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
	return canary.aligned_alloc ? canary.aligned_alloc(align, size)
				    : core_aligned_alloc(align, size);
}

EXPORT int posix_memalign(void **ret_p, size_t align, size_t size)
{
	return canary.posix_memalign ? canary.posix_memalign(ret_p, align, size)
				     : core_posix_memalign(ret_p, align, size);
}

EXPORT void *memalign(size_t align, size_t size)
{
	return canary.memalign ? canary.memalign(align, size) : core_aligned_alloc(align, size);
}

EXPORT void *valloc(size_t size)
{
	return canary.valloc ? canary.valloc(size) : core_aligned(page_rounded(1), size, 0);
}

EXPORT void *pvalloc(size_t size)
{
	return canary.pvalloc ? canary.pvalloc(size) : core_pvalloc(size);
}

static void free_any(void *p)
{
	if (canary.free)
		canary.free(p);
	else
		core_free(p);
}

EXPORT void free(void *p)
{
	free_any(p);
}

/* C23: declared here, as the C library does not have them yet. */
EXPORT void free_sized(void *p, size_t size);
EXPORT void free_aligned_sized(void *p, size_t align, size_t size);

EXPORT void free_sized(void *p, size_t size)
{
	if (canary.free_sized)
		canary.free_sized(p, size);
	else
		free_any(p);
}

EXPORT void free_aligned_sized(void *p, size_t align, size_t size)
{
	if (canary.free_aligned_sized)
		canary.free_aligned_sized(p, align, size);
	else
		free_any(p);
}

EXPORT size_t malloc_usable_size(void *p)
{
	return canary.usable ? canary.usable(p) : core_usable(p);
}

EXPORT int malloc_trim(size_t pad)
{
	mappings_retry();
	return canary.trim ? canary.trim(pad) : 0;
}
