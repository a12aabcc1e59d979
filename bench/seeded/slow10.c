/* A pair of malloc and free takes 10 % longer. */
#include "bench/seeded/seed.h"

const struct seed seed = {.spins = 8};
