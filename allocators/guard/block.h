/*
 * block.h - what the entry points share: blocks of any size.
 */
#ifndef GUARD_BLOCK_H
#define GUARD_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

/* `align`: a power of two. NULL: no memory, or a size that no address space holds. Keeps errno. */
void *block_alloc(size_t size, size_t align, bool zero);

/* As block_alloc, with ENOMEM in errno on failure. */
void *block_alloc_errno(size_t size, size_t align, bool zero);

/* p is not NULL. These panic, naming `what`, unless p is a live block; errno is kept. */
void block_free(void *p, const char *what);
size_t block_usable(void *p, const char *what);

/* As realloc with p not NULL and size not 0, save for errno, which is kept. */
void *block_resize(void *p, size_t size, const char *what);

#endif
