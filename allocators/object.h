/*
 * object.h - the loaded object behind an address. Child side.
 */
#ifndef ALLOCATORS_OBJECT_H
#define ALLOCATORS_OBJECT_H

#include <stdbool.h>

#include "harness/exec/shared.h"

/* Path, base and build id of the object that holds `address`; false when none does. */
bool object_at(const void *address, struct served_object *ret_object);

/* Whether the object was loaded from this file, by device and inode. */
bool object_is_file(const struct served_object *object, const char *file);

#endif
