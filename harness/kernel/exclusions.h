/*
 * exclusions.h - the address ranges that are not owned: sorted, disjoint, joined where they meet.
 *
 * Fixed capacity, from the arena. Readers walk it side by side with the mappings, which are sorted
 * too: one pass over both.
 */
#ifndef KERNEL_EXCLUSIONS_H
#define KERNEL_EXCLUSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/arena.h"

struct span {
	uintptr_t start, end;
};

struct exclusions {
	struct span *v;
	uint32_t n, capacity;
};

int exclusions_init(struct exclusions *ex, struct arena *a, uint32_t capacity);

/* 0, -EINVAL when the span is empty, or -ENOSPC, which leaves the list unchanged. */
int exclusions_add(struct exclusions *ex, uintptr_t start, uintptr_t end);

/* Takes [start, end) out again, whatever of it is in. Errors as of exclusions_add (a split). */
int exclusions_remove(struct exclusions *ex, uintptr_t start, uintptr_t end);

/* A place in the list. It only moves up: ask for ascending ranges. */
struct exclusions_cursor {
	const struct exclusions *ex;
	uint32_t at;
};

/* The place from which ranges at or above `address` can be asked for. */
struct exclusions_cursor exclusions_at(const struct exclusions *ex, uintptr_t address);

/*
 * The first part of *range that is not excluded goes to *ret_part, and *range shrinks to what lies
 * behind it. False when no such part is left.
 */
bool exclusions_next_owned(struct exclusions_cursor *c, struct span *range, struct span *ret_part);

#endif
