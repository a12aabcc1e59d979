/*
 * proc.h - small texts of /proc: open, read whole, find a number. No stdio, no allocation.
 *
 * Errors: 0 or -errno; -EBADMSG when the text is not what the kernel documents.
 */
#ifndef KERNEL_PROC_H
#define KERNEL_PROC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Descriptors start here where RLIMIT_NOFILE allows: a number that an allocator closed is then not
 * the next one that it opens, and stays recognisable as closed.
 */
#define PROC_FD_FROM 512

/* A descriptor, close-on-exec, or -errno. */
int proc_open(const char *path);

/* pread that goes on after a signal. The number of bytes, 0 at the end, or -errno. */
ssize_t proc_pread(int fd, void *buf, size_t size, uint64_t offset);

/* The whole text from its beginning, cut at `size` - 1 and NUL-terminated. */
int proc_read(int fd, char *buf, size_t size);

/* The decimal number at *p, after blanks; *p moves behind it. */
int proc_number(const char **p, uint64_t *ret_value);

/* The number in the line "key   123 kB", in bytes. `key` includes the colon. */
int proc_kilobytes(const char *text, const char *key, int64_t *ret_bytes);

#endif
