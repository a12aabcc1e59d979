/*
 * A library with malloc and free alone: all else of the family is libc's, on another's blocks.
 */
#include <stdlib.h>

extern void *__libc_malloc(size_t size);
extern void __libc_free(void *p);

void *malloc(size_t size)
{
	return __libc_malloc(size);
}

void free(void *p)
{
	__libc_free(p);
}
