/*
 * guard.h - the entry points of guard, an allocator that gives every byte back.
 *
 * It has two modes. Separator, the default, is a general allocator:
 *
 *   slab    256 pages, readable and writable, at a multiple of 1 MiB, followed by a separator
 *   separator  one PROT_NONE page: the kernel cannot merge the slab with what lies above it
 *   span    a run of a slab's pages that holds blocks of one size class
 *   block   what malloc returns: up to 128 KiB (SMALL_MAX) inside a span, beyond that an area
 *   area    a mapping of its own for one large block, with a separator of its own
 *   shard   the spans that a group of threads allocates from, under one lock
 *
 * Fence finds misuse: each block ends at an inaccessible page, and freed ones are inaccessible for
 * a while (fence.h).
 *
 * Bookkeeping is never in a block, free or not, in either mode. Errors are those of the malloc
 * family: NULL with ENOMEM or EINVAL in errno. Success, and free in any case, leave errno alone. A
 * pointer that is no live block ends the process with one line on fd 2.
 *
 * The functions bear libc's names; with GUARD_PREFIX defined they are called guard_malloc and so
 * on, for tests that link them beside another allocator.
 */
#ifndef GUARD_GUARD_H
#define GUARD_GUARD_H

#include <stddef.h>

#ifdef GUARD_PREFIX
#define GUARD_ENTRY(name) guard_##name
#else
#define GUARD_ENTRY(name) name
#endif
#define GUARD_API __attribute__((visibility("default"), noinline))

enum guard_mode { GUARD_SEPARATOR, GUARD_FENCE };

/*
 * Takes precedence over GUARD_MODE (separator or fence) in the environment. Returns 0; -EBUSY once
 * the first block was asked for; -EINVAL.
 */
GUARD_API int guard_mode_set(enum guard_mode mode);

/* Usable sizes are rounded up in separator mode, and exactly what was asked for in fence mode. */

GUARD_API void *GUARD_ENTRY(malloc)(size_t size); /* size 0: a block of its own */
GUARD_API void *GUARD_ENTRY(calloc)(size_t count, size_t size);
/* Size 0 with a block frees it and returns NULL, errno kept, as glibc does (C23 leaves it open). */
GUARD_API void *GUARD_ENTRY(realloc)(void *p, size_t size);
GUARD_API void *GUARD_ENTRY(reallocarray)(void *p, size_t count, size_t size);
/* EINVAL unless `align` is a power of two; `size` need not be a multiple of it. */
GUARD_API void *GUARD_ENTRY(aligned_alloc)(size_t align, size_t size);
GUARD_API void *GUARD_ENTRY(memalign)(size_t align, size_t size);
GUARD_API int GUARD_ENTRY(posix_memalign)(void **ret_p, size_t align, size_t size);
GUARD_API void *GUARD_ENTRY(valloc)(size_t size);
GUARD_API void *GUARD_ENTRY(pvalloc)(size_t size); /* whole pages, at least one */
GUARD_API void GUARD_ENTRY(free)(void *p);
GUARD_API void GUARD_ENTRY(free_sized)(void *p, size_t size);
GUARD_API void GUARD_ENTRY(free_aligned_sized)(void *p, size_t align, size_t size);
GUARD_API size_t GUARD_ENTRY(malloc_usable_size)(void *p);
/* 1 where resident pages or mappings went back to the kernel, else 0. `pad` is ignored. */
GUARD_API int GUARD_ENTRY(malloc_trim)(size_t pad);

#endif
