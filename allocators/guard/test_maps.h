/*
 * test_maps.h - what guard's tests know of the kernel's side: the process's mappings, and a kernel
 * that refuses.
 *
 * The wrappers of mmap, munmap, mprotect, madvise and mremap are linked in with --wrap. One plan is
 * in force at a time: of the calls named, taken together, those numbered first .. first + count - 1
 * (from 1) fail with ENOMEM and do nothing.
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
	REFUSE_MMAP = 1,
	REFUSE_MUNMAP = 2,
	REFUSE_MPROTECT = 4,
	REFUSE_MADVISE = 8,
	REFUSE_MREMAP = 16,
};

/* `calls`: the sum of one or more of the above. */
void refuse(unsigned calls, size_t first, size_t count);

/* Ends the plan. Returns how many calls it refused. */
size_t refuse_end(void);

#endif
