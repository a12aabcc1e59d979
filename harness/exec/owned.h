/*
 * owned.h - which pages the program's own mappings have, page by page.
 *
 * A slot knows where its mapping began and how long it was; parts may have been unmapped since, or
 * covered by another slot's: the ledger knows. Holes may be somebody else's by now, the allocator's
 * first of all, so no op may reach into them.
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

/* The oracles are told of what the ledger knows already: a new range of the slot's, a range gone.
 */
void owned_add(struct child *c, uint32_t slot, uintptr_t start, size_t len);
void owned_remove(struct child *c, uintptr_t start, size_t len);

/* Whether all of [start, end) is the slot's own or not mapped at all. */
bool owned_free_to_use(struct child *c, uint32_t slot, uintptr_t start, uintptr_t end);

/* The content of the slot's mapping is no longer the program's alone, or no longer predictable. */
void owned_taint(struct child *c, uint32_t slot);

#endif
