/* The lock is taken before fork and given back in the parent alone. */
#include "allocators/canary/canary_core.h"

const struct canary canary = {.lock_stays_held_in_child = true};
