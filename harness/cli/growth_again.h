/*
 * growth_again.h - the longer runs that a suspicion of growth asks for.
 */
#ifndef CLI_GROWTH_AGAIN_H
#define CLI_GROWTH_AGAIN_H

#include "harness/exec/run.h"

/*
 * Where a loop of the run seemed to need more and more (run_shared.growth), the same is run with
 * the loop GROWTH_STRETCH times as long, then with it as many times again and at least 4096 rounds,
 * as far as time and memory go: quarantines and caches fill evenly for long. The finding is added
 * to the first run's when the line goes on in them. Where what is resident would fill the machine
 * nothing is run, and no finding added. An interrupt leaves the first run interrupted: nobody
 * knows.
 */
void growth_again(const struct run_request *req, struct run_result *first);

#endif
