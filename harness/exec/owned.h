/*
 * owned.h - which pages the program's own mappings have, page by page.
 *
 * A slot knows where its mapping began and how long it was; parts may have been unmapped since, or
 * covered by another slot's. Holes may be somebody else's by now, the allocator's first of all, so
 * no op may reach into them. Where oracles are on the model is told of every change.
 *
 * Errors: 0 or -errno; a change that could not be kept is also a harness error of the run.
 */
#ifndef EXEC_OWNED_H
#define EXEC_OWNED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct child;

/* A new range of the slot's; what it replaced of other slots is cut away. */
int owned_add(struct child *c, uint32_t slot, uintptr_t start, size_t len);
int owned_remove(struct child *c, uintptr_t start, size_t len);

/* What the slot has in its old range, as far as the new one reaches, it has in the new one. */
void owned_moved(struct child *c, uint32_t slot, uintptr_t now, size_t len);

/* Whether all of [start, end) is the slot's own or not mapped at all. */
bool owned_free_to_use(struct child *c, uint32_t slot, uintptr_t start, uintptr_t end);

/* The content of the slot's mapping is no longer the program's alone, or no longer predictable. */
void owned_taint(struct child *c, uint32_t slot);

/* In a fork child: what MADV_DONTFORK kept away is not the program's there. */
void owned_after_fork(struct child *c);

#endif
