/*
 * slots.h - m[i] as the program has them: where a mapping began, how long it was, and its file.
 */
#ifndef EMIT_SLOTS_H
#define EMIT_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/prog/emit/say.h"

struct slot {
	uintptr_t start; /* 0: empty */
	size_t len;
	int file; /* descriptor + 1; 0: none that is kept */
	uint32_t object;
};

/* Of the program: below main(). */
extern struct slot m[];
extern const unsigned map_slots;
extern const bool keeps_files; /* other statements come back to the file of a slot */

/* The allocator maps too: a hole may be its own by now. */
extern bool is_shared_with_allocator;

static inline size_t page_up(size_t len)
{
	return (len + PAGE - 1) / PAGE * PAGE;
}

/*
 * Whether an op on the slot may reach [start, end): what the program has of it is the slot's or
 * lies in its span, and the rest is nobody's.
 */
bool slot_reaches(unsigned slot, uintptr_t start, uintptr_t end);

/* A place in the mapping of another slot. */
struct place {
	bool is_given;
	unsigned slot;
	uint64_t off;
};
/* false: there is no such place. `len`: what lies there is replaced up to here; 0: nothing is. */
bool place_find(const struct place *p, size_t len, uintptr_t *ret_address);

#endif
