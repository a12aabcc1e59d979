/*
 * goal.h - how bad a program was for an allocator, in one number: what fuzzing climbs towards.
 *
 * Numbers are in thousandths of
 *	maps      the most maps, per MiB of blocks that were live then
 *	retained  MiB that are kept when all was given back, per MiB that was live at most: what is
 *		  resident, or where that is not known what is mapped
 *	lost      KiB that the kernel refused to take back, and that stay
 *	latency   microseconds of the slowest call
 * Where less than 1 MiB was live it counts as 1 MiB: a handful of blocks has some maps too.
 */
#ifndef FUZZ_GOAL_H
#define FUZZ_GOAL_H

#include "harness/exec/feed.h"

enum goal { GOAL_NONE, GOAL_MAPS, GOAL_RETAINED, GOAL_LOST, GOAL_LATENCY, GOALS };

/* By the word of --climb, or -ENOENT. */
int goal_by_name(const char *name);
const char *goal_name(enum goal g);

/* "maps per live MiB" */
const char *goal_unit(enum goal g);

/* 0 for GOAL_NONE and where it was not measured. */
uint64_t goal_milli(enum goal g, const struct feed_result *r);

/* a / b in thousandths, where b counts as `floor` at least; UINT64_MAX where it is more. */
uint64_t goal_ratio(uint64_t a, uint64_t b, uint64_t floor);

#endif
