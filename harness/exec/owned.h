/*
 * owned.h - which pages an op of a slot may reach.
 *
 * A slot knows where its mapping began and how long it was, its span; parts may have been unmapped
 * since, or covered by another slot's: the ledger knows. An op reaches all that is the program's
 * own in the span, whoever's slot mapped it, and holes. Holes may be somebody else's by now, the
 * allocator's first of all: no op may reach into those. Where the kernel itself is judged there is
 * no somebody: what is mapped in a hole there and not excluded by the accounts is what the kernel
 * should have unmapped, and fair game.
 */
#ifndef EXEC_OWNED_H
#define EXEC_OWNED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/range_set.h"

struct child;

/* The first range of the program's own that shares an address with [start, end). */
bool owned_first(const struct child *c, uintptr_t start, uintptr_t end, struct range *ret_range);

/* Whether all of [start, end), where the program has nothing, is nobody's. */
bool owned_is_hole(const struct child *c, uintptr_t start, uintptr_t end);

/* Whether an op on the slot may reach [start, end). Outside its span only what is its own. */
bool owned_reaches(const struct child *c, uint32_t slot, uintptr_t start, uintptr_t end);

#endif
