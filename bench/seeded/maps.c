/* One more map for each MiB of heap, of the same address space. */
#include "bench/seeded/seed.h"

const struct seed seed = {.splits = true};
