/*
 * libvoid.so: no allocator at all, as a file that can be preloaded. What a benchmark costs on it is
 * the cost of its own loops.
 *
 * Calls from the program's own code get addresses that were there before, from a small ring of each
 * thread's, and nothing is remembered: blocks overlap. Calls from libraries, and all before the
 * program's range is known, get memory of their own, zeroed and never used again, because libc
 * lives on what it allocates. So only a program whose own code never needs what it wrote can run.
 */
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define EXPORT		__attribute__((visibility("default")))
#define INLINE		static inline __attribute__((always_inline))
#define RARE(condition) __builtin_expect(!!(condition), 0)

#define PAGE	     ((size_t)4096)
#define STEP	     ((size_t)64)	/* from one address to the next: a line */
#define RING	     ((size_t)16 << 10) /* of a thread: half of an L1 cache */
#define RINGS	     256		/* threads beyond that share */
#define STRIDE	     ((size_t)64 << 20) /* from ring to ring: larger blocks overlap */
#define LARGEST	     ((size_t)16 << 30) /* request */
#define REAL_BYTES   ((size_t)1 << 30)	/* for libraries */
#define REGION_BYTES (REAL_BYTES + RINGS * STRIDE + LARGEST)

/* In front of a block of its own. */
struct real {
	size_t size;
};

#define REAL_HEADER ((size_t)16)

static struct {
	uintptr_t program, program_bytes; /* where the program's own code is */
	_Atomic(unsigned char *) region;
	_Atomic size_t real_used;
	_Atomic unsigned rings;
} shared;

static _Thread_local uintptr_t next;

/* Address space alone. Whoever comes first has mapped it for all. */
static __attribute__((noinline)) unsigned char *region(void)
{
	unsigned char *p = atomic_load(&shared.region), *none = NULL;
	int saved = errno;

	if (p)
		return p;
	p = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	errno = saved;
	if (!atomic_compare_exchange_strong(&shared.region, &none, p)) {
		munmap(p, REGION_BYTES);
		p = none;
	}
	return p;
}

static __attribute__((noinline, cold)) void *refuse(void)
{
	errno = ENOMEM;
	return NULL;
}

static __attribute__((noinline)) void *real_take(size_t align, size_t size)
{
	unsigned char *start = region();
	size_t span = size + align + REAL_HEADER;

	if (!start || size > REAL_BYTES || align > REAL_BYTES)
		return refuse();
	span = (span + REAL_HEADER - 1) & ~(REAL_HEADER - 1);
	size_t at = atomic_fetch_add(&shared.real_used, span);

	if (at > REAL_BYTES - span || span > REAL_BYTES)
		return refuse();
	uintptr_t p = ((uintptr_t)start + at + REAL_HEADER + align - 1) & ~(uintptr_t)(align - 1);

	((struct real *)(p - REAL_HEADER))->size = size;
	return (void *)p;
}

static bool is_real(const void *p)
{
	const unsigned char *start = atomic_load(&shared.region);

	return start && (const unsigned char *)p >= start &&
	       (const unsigned char *)p < start + REAL_BYTES;
}

static size_t usable(const void *p)
{
	if (!p)
		return 0;
	return is_real(p) ? ((const struct real *)((uintptr_t)p - REAL_HEADER))->size : STEP;
}

static __attribute__((noinline)) void *ring_first(void)
{
	unsigned char *start = region();

	if (!start)
		return refuse();
	unsigned mine = atomic_fetch_add(&shared.rings, 1) % RINGS;
	uintptr_t p = (uintptr_t)(start + REAL_BYTES + mine * STRIDE);

	/* The region begins with a page, a ring where its own size says. */
	p = (p + RING - 1) & ~(uintptr_t)(RING - 1);
	next = p + STEP;
	return (void *)p;
}

/* Called from the program's own code. */
INLINE bool is_program(const void *caller)
{
	return (uintptr_t)caller - shared.program < shared.program_bytes;
}

INLINE void *take(size_t size, const void *caller)
{
	uintptr_t p = next;

	if (RARE(!is_program(caller)))
		return real_take(REAL_HEADER, size);
	if (RARE(size > LARGEST))
		return refuse();
	if (RARE(!p))
		return ring_first();
	next = (p & ~(uintptr_t)(RING - 1)) | ((p + STEP) & (RING - 1));
	return (void *)p;
}

INLINE void *take_aligned(size_t align, size_t size, const void *caller)
{
	if (RARE(!align || (align & (align - 1)))) {
		errno = EINVAL;
		return NULL;
	}
	if (align <= REAL_HEADER)
		return take(size, caller);
	if (RARE(!is_program(caller)))
		return real_take(align, size);
	if (RARE(align > LARGEST || size > LARGEST - align))
		return refuse();
	uintptr_t p = (uintptr_t)take(size, caller);

	return p ? (void *)((p + align - 1) & ~(uintptr_t)(align - 1)) : NULL;
}

EXPORT void *malloc(size_t size)
{
	return take(size, __builtin_return_address(0));
}

EXPORT void free(void *p)
{
	(void)p;
}

EXPORT void *calloc(size_t count, size_t size)
{
	size_t bytes;

	if (RARE(__builtin_mul_overflow(count, size, &bytes)))
		return refuse();
	return take(bytes, __builtin_return_address(0));
}

INLINE void *change(void *p, size_t size, const void *caller)
{
	if (RARE(!is_program(caller))) {
		size_t old = usable(p);
		void *fresh = real_take(REAL_HEADER, size);

		if (fresh && p)
			memcpy(fresh, p, old < size ? old : size);
		return fresh;
	}
	return take(size, caller);
}

EXPORT void *realloc(void *p, size_t size)
{
	return change(p, size, __builtin_return_address(0));
}

EXPORT void *reallocarray(void *p, size_t count, size_t size)
{
	size_t bytes;

	if (RARE(__builtin_mul_overflow(count, size, &bytes)))
		return refuse();
	return change(p, bytes, __builtin_return_address(0));
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
	return take_aligned(align, size, __builtin_return_address(0));
}

EXPORT void *memalign(size_t align, size_t size)
{
	return take_aligned(align, size, __builtin_return_address(0));
}

EXPORT int posix_memalign(void **ret_p, size_t align, size_t size)
{
	int saved = errno;

	if (align % sizeof(void *) != 0)
		return EINVAL;
	void *p = take_aligned(align, size, __builtin_return_address(0));
	int err = errno;

	errno = saved;
	if (!p)
		return err;
	*ret_p = p;
	return 0;
}

EXPORT void *valloc(size_t size)
{
	return take_aligned(PAGE, size, __builtin_return_address(0));
}

EXPORT void *pvalloc(size_t size)
{
	return take_aligned(PAGE, size, __builtin_return_address(0));
}

EXPORT size_t malloc_usable_size(void *p)
{
	return usable(p);
}

/* There is nothing to give back. */
EXPORT int malloc_trim(size_t pad)
{
	(void)pad;
	return 0;
}

/* The first object is the program. */
static int find_program(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];

		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
			continue;
		shared.program = info->dlpi_addr + ph->p_vaddr;
		shared.program_bytes = ph->p_memsz;
	}
	return 1;
}

static __attribute__((constructor)) void prepare(void)
{
	/* In no call that somebody measures. */
	(void)region();
	dl_iterate_phdr(find_program, NULL);
}
