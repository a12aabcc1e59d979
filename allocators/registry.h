/*
 * registry.h - the built-in allocators of list.def, and what is no allocator there: the kernel.
 *
 * Constant data: usable in the controller and in the child, before anything is set up.
 */
#ifndef ALLOCATORS_REGISTRY_H
#define ALLOCATORS_REGISTRY_H

#include <stddef.h>

#include "allocators/allocator.h"

size_t plugin_count(void);

/* In the order of list.def; NULL from plugin_count() on. */
const struct plugin *plugin_at(size_t index);

/* NULL when there is no such name. */
const struct plugin *plugin_by_name(const char *name);

/* The first that recognises a file by its vendor's symbols; NULL when none does. */
const struct plugin *plugin_by_symbols(const struct vendor_symbols *v);

/* Whether the plug-in was built against this allocator.h. */
_Bool plugin_is_sound(const struct plugin *p);

/*
 * Whether it is the kernel: a target for programs of mapping ops, without one function of an
 * allocator. NULL is not.
 */
_Bool plugin_is_kernel(const struct plugin *p);

#endif
