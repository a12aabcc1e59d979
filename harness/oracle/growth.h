/*
 * growth.h - does the same cycle of work, repeated, need more and more?
 *
 * Fed with the accounts at the end of each round of a `repeat`; judged when the loop ends. Only
 * rounds that end with the program holding the same (blocks, bytes, mappings) and in which the
 * kernel refused nothing are compared. Growth is a line: after a warm-up, each of several
 * windows of rounds adds about the same. A plateau, a decay, steps that get smaller or rarer
 * (caches that fill, high-water marks) are none.
 *
 * Since a cache may fill evenly for long, one run only raises a suspicion: the controller runs the
 * program again with the loop GROWTH_STRETCH times as long, and the finding stands when the line
 * goes on there at the same slope.
 *
 * Pure; fixed memory: beyond GROWTH_SAMPLES rounds every second sample is dropped.
 */
#ifndef ORACLE_GROWTH_H
#define ORACLE_GROWTH_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/arena.h"
#include "harness/oracle/finding.h"

#define GROWTH_SAMPLES	    512
#define GROWTH_STRETCH	    4
#define GROWTH_LEAST_ROUNDS 32 /* fewer are never judged */

enum growth_metric { GROWTH_MAPS, GROWTH_MAPPED, GROWTH_RSS, GROWTH_METRICS };

struct growth_sample {
	uint64_t round;
	int64_t value[GROWTH_METRICS]; /* maps; bytes; bytes. Negative: not measured */
	/* What the program itself holds at this moment. */
	uint64_t live_blocks, live_bytes, program_bytes;
	bool refused; /* a kernel call was refused in this round */
};

struct growth;

size_t growth_arena_bytes(void);
int growth_new(struct arena *a, struct growth **ret_growth);

/* A loop begins; the samples of the one before are forgotten. */
void growth_begin(struct growth *g);

/* Whether the sample of this round would be kept (measuring it may cost). */
bool growth_wants(const struct growth *g, uint64_t round);
void growth_add(struct growth *g, const struct growth_sample *s);

/* A metric that rises in a line: its slope per round and how much it rose while it was judged. */
struct growth_line {
	enum growth_metric metric;
	double per_round;
	int64_t risen;
	uint64_t rounds; /* that were judged */
};

/* True, with the metric that shows it best (maps before mapped before resident). */
bool growth_judge(const struct growth *g, struct growth_line *ret_line);

/*
 * The finding of a loop whose `repeat` is statement `stmt`: map-growth or footprint-growth.
 * n: per round in thousandths, risen, rounds.
 */
void growth_finding(int32_t stmt, const struct growth_line *line, struct finding *ret_f);

#endif
