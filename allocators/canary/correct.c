/* No defect: what every oracle must pass. */
#include "allocators/canary/canary_core.h"

const struct canary canary = {0};
