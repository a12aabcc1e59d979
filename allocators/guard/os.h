/*
 * os.h - everything that guard asks of the kernel about memory.
 *
 * Addresses and lengths are whole pages. Functions return 0 or -errno and never touch errno, so
 * that no caller up to free() has to. Memory is private and anonymous, zero when it is new.
 */
#ifndef GUARD_OS_H
#define GUARD_OS_H

#include <stddef.h>
#include <stdint.h>

#define OS_PAGE ((size_t)4096)

/*
 * Maps `len` inaccessible bytes: exactly at `at`, which must be unoccupied (-EEXIST), or anywhere
 * when `at` is 0.
 */
int os_map(uintptr_t *ret_at, uintptr_t at, size_t len);

/* At the map limit only the middle of one VMA is refused (-ENOMEM). */
int os_unmap(uintptr_t at, size_t len);

int os_open(uintptr_t at, size_t len); /* readable and writable */

/*
 * Makes a mapped range inaccessible and gives its pages back, or fails with nothing changed. A new
 * mapping takes the place of the old one (MAP_FIXED), because mprotect may split twice and be
 * refused in between, and would need a map more than there were. Refused beyond the limit (L + 1).
 */
int os_close(uintptr_t at, size_t len);

/* Makes a range inaccessible and keeps its pages. At the limit only a split is refused. */
int os_shut(uintptr_t at, size_t len);

/*
 * Guard regions (MADV_GUARD_INSTALL, Linux 6.13): the range becomes inaccessible and its pages go
 * back, without a map. Refused (-EINVAL) by older kernels and for locked memory. After a failure
 * part of the range may be done. Taking them away, the range reads zero.
 */
int os_fence(uintptr_t at, size_t len);
int os_unfence(uintptr_t at, size_t len);

/* Whether one byte could be written at `at`; if so, it is written. */
_Bool os_is_writable(uintptr_t at);

/* Gives the pages back and keeps the range, which reads zero then. Refused for locked memory. */
int os_purge(uintptr_t at, size_t len);

/* Moves the pages of [at, at + len) to a range of new_len bytes that the kernel chooses. */
int os_move(uintptr_t *ret_at, uintptr_t at, size_t len, size_t new_len);

/* Whether any page is resident. At most 256 pages are looked at. */
_Bool os_is_resident(uintptr_t at, size_t len);

/* Ends the process: "guard: <what> <p>: <why>". */
_Noreturn void os_panic(const char *what, const void *p, const char *why);

#endif
