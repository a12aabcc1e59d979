/* As slow5.c: 10 to 11 %. */
#include "bench/seeded/seed.h"

const struct seed seed = {.spins = 8};
