/*
 * fuzz_spawn.h - one start of one fuzz target: its command line, its page, its process.
 */
#ifndef CLI_FUZZ_SPAWN_H
#define CLI_FUZZ_SPAWN_H

#include "harness/cli/fuzz_targets.h"

/*
 * Fills pid, pidfd, output and page of target number `job`, which does not run. Returns 0 or
 * -errno; what cannot be executed says so in its output and ends.
 */
int target_spawn(struct fuzz_targets *t, unsigned job);

/* Closes what target_spawn opened; the process is over. */
void target_close(struct fuzz_target *target);

#endif
