/*
 * record.h - the records of large blocks and of what is left of them.
 *
 * Those in use lie densely at the front of a table in .bss, which costs a page per 42 of them and
 * no call to the kernel. More than the table holds are blocks of an internal size class.
 */
#ifndef GUARD_RECORD_H
#define GUARD_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocators/guard/area.h"
#include "allocators/guard/ring.h"

struct large {
	struct large *next; /* of its chain */
	struct ring waiting;
	struct ring bin; /* of a spare */
	uintptr_t p;	 /* inside the open range of the area */
	size_t size;	 /* usable; 0: a spare */
	struct area area;
	bool dirty;	 /* of a spare: it may not read zero */
	bool is_waiting; /* in the ring of what is tried again */
};

/* The caller holds the lock of large blocks. NULL: no memory. The content is undefined. */
struct large *record_new(void);
void record_free(struct large *l);

#endif
