/*
 * stats.h - the counts of a target, on the page that its supervisor reads (--stats) or on one that
 * nobody does.
 */
#ifndef FUZZ_STATS_H
#define FUZZ_STATS_H

#include "harness/cli/fuzz_job.h"

/*
 * The page of the file, which is made where it is not there; counts that are on it go on. NULL: a
 * page of our own. Returns 0 or -errno.
 */
int stats_open(const char *path, struct job_stats **ret_stats);

void stats_add(_Atomic uint64_t *count, uint64_t n);
void stats_raise(_Atomic uint64_t *count, uint64_t to);

#endif
