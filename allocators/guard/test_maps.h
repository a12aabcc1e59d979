/*
 * test_maps.h - what guard's tests know of the kernel's side: the process's mappings, and a kernel
 * that refuses.
 *
 * The wrappers of mmap, munmap, mprotect, madvise and mremap are linked in with --wrap. One plan is
 * in force at a time: of the calls named, those numbered first .. first + count - 1 (from 1) fail
 * with ENOMEM and do nothing.
 */
#ifndef GUARD_TEST_MAPS_H
#define GUARD_TEST_MAPS_H

#include <stddef.h>

struct maps {
	size_t lines, bytes;
};

/* Of /proc/self/maps, read without allocating; {0, 0} when it cannot be read. */
struct maps maps_read(void);

enum refusable {
	REFUSE_NONE,
	REFUSE_MMAP,
	REFUSE_MUNMAP,
	REFUSE_MPROTECT,
	REFUSE_MADVISE,
	REFUSE_MREMAP,
	REFUSE_END
};

void refuse(enum refusable call, size_t first, size_t count);

/* Ends the plan. Returns how many calls it refused. */
size_t refuse_end(void);

#endif
