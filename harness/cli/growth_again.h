/*
 * growth_again.h - the second run that a suspicion of growth asks for.
 */
#ifndef CLI_GROWTH_AGAIN_H
#define CLI_GROWTH_AGAIN_H

#include "harness/exec/run.h"

/*
 * Where a loop of the run seemed to need more and more (run_shared.growth), the same is run with
 * the loops GROWTH_STRETCH times as long. The finding is added to the first run's when the line
 * goes on there. An interrupt leaves the first run interrupted: nobody knows.
 */
void growth_again(const struct run_request *req, struct run_result *first);

#endif
