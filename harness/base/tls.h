/*
 * tls.h - what libc takes of the stack of a thread.
 */
#ifndef BASE_TLS_H
#define BASE_TLS_H

#include <stddef.h>

/*
 * Bytes of static TLS of all images that are loaded, with their alignment: libc puts them on the
 * stack of each thread, and of a library with a sanitizer in it they are more than a stack.
 */
size_t tls_static_bytes(void);

#endif
