/*
 * range_set.h - disjoint half-open address ranges, each with a tag, in fixed memory.
 *
 * Every operation is O(log n) and constant for each further range that it touches. Neighbouring
 * ranges are not joined, because a tag belongs to what was inserted, unless the caller asks for it.
 * Capacity is set at the start; -ENOSPC leaves the set unchanged.
 */
#ifndef BASE_RANGE_SET_H
#define BASE_RANGE_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/arena.h"

struct range {
	uintptr_t start, end;
	uint64_t tag;
};

struct range_set;

size_t range_set_arena_bytes(uint32_t capacity);
int range_set_new(struct arena *a, uint32_t capacity, struct range_set **ret_set);

/* Puts [start, end) in; parts of older ranges that it covers are cut away. */
int range_set_insert(struct range_set *s, uintptr_t start, uintptr_t end, uint64_t tag);

/* The same, but joined with the ranges of this tag that it meets or touches. */
int range_set_join(struct range_set *s, uintptr_t start, uintptr_t end, uint64_t tag);

/* Cuts [start, end) out of whatever covers it. */
int range_set_remove(struct range_set *s, uintptr_t start, uintptr_t end);

/* The lowest range that shares an address with [start, end); false when there is none. */
bool range_set_first(const struct range_set *s, uintptr_t start, uintptr_t end,
		     struct range *ret_range);

uint32_t range_set_count(const struct range_set *s);

/* The sum of all lengths. */
uint64_t range_set_bytes(const struct range_set *s);

void range_set_clear(struct range_set *s);

#endif
