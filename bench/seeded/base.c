/* The control: it adds nothing. */
#include "bench/seeded/seed.h"

const struct seed seed = {0};
