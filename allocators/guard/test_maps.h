/*
 * test_maps.h - what guard's tests know of the kernel's side: the process's mappings, and a kernel
 * that refuses.
 *
 * The wrappers of mmap, munmap, mprotect, madvise and mremap are linked in with --wrap. One plan is
 * in force at a time: of the calls named, taken together, those numbered first .. first + count - 1
 * (from 1), each nth one, or those that touch one address, fail with ENOMEM and do nothing. Threads
 * may call; one sets the plan.
 */
#ifndef GUARD_TEST_MAPS_H
#define GUARD_TEST_MAPS_H

#include <stddef.h>
#include <stdint.h>

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
	REFUSE_ALL = 31,
};

/* `calls`: the sum of one or more of the above. */
void refuse(unsigned calls, size_t first, size_t count);

/* Calls number n, 2n, 3n ... */
void refuse_each(unsigned calls, size_t nth);

/* The calls whose range begins at or spans `address`. */
void refuse_at(unsigned calls, const void *address);

/* Ends the plan. Returns how many calls it refused. */
size_t refuse_end(void);

/* Of the plan in force, or the last one: calls that it named, and those of them it refused. */
size_t refuse_seen(void);
size_t refuse_count(void);

struct refused_range {
	uintptr_t at;
	size_t len;
};

/* What the plan in force, or the last one, kept from being unmapped or purged: the first 4096. */
const struct refused_range *refused_ranges(size_t *ret_count);

/* Whether any page of the range is mapped. */
int range_is_mapped(const struct refused_range *r);

#endif
