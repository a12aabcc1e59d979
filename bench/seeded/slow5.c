/*
 * A pair of malloc and free takes some 5 % longer. The count is fixed, so that it is the same work
 * everywhere; what share that is, seeded-cost tells: on an AMD EPYC 5 to 6 % of the base's 18 ns.
 */
#include "bench/seeded/seed.h"

const struct seed seed = {.spins = 5};
