/*
 * left_behind.h - what a run still owns at a checkpoint, and the most that it owned.
 */
#ifndef CLI_LEFT_BEHIND_H
#define CLI_LEFT_BEHIND_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/exec/shared.h"

/*
 * Differences from the start of the run; -1: not measured. `bytes` are resident bytes without
 * LazyFree pages, which the kernel takes back whenever it needs them.
 */
struct left_behind {
	int64_t maps, bytes;
};

/* At the last checkpoint of that name; not measured when it was not reached or `s` is NULL. */
struct left_behind left_behind_at(const struct run_shared *s, const char *name);

/* Whether its peaks are of every kernel call, not of samples. */
bool peak_is_exact(const struct run_shared *s);

/* The highest map count, as a difference from the start, of a run that has a checkpoint. */
int64_t peak_maps(const struct run_shared *s);

/* {"maps", "bytes"}, null where not measured. */
json_t *left_behind_json(const struct left_behind *left);

/* The number, or null when it is negative. */
json_t *json_measured(int64_t n);

#endif
