/*
 * growth.h - does the same cycle of work, repeated, need more and more?
 *
 * Fed with the accounts at the end of each round of a `repeat`; judged when the loop ends. Only
 * rounds that end with the program holding the same (blocks, bytes, mappings) and in which the
 * kernel refused nothing are compared. Growth is a line: after a warm-up, a quarter of the rounds,
 * each of several windows of rounds adds about the same, and all of them more than a trifle. A
 * plateau, a decay, steps that get smaller or rarer (caches that fill, high-water marks) are none.
 *
 * Since a cache may fill evenly for long, one run only raises a suspicion: the controller runs the
 * program again with the loop GROWTH_STRETCH times as long, then as many times again, and the
 * finding stands when the line goes on there at the same slope.
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
#define GROWTH_LEAST_ROUNDS 16 /* fewer are never judged */

enum growth_metric { GROWTH_MAPS, GROWTH_MAPPED, GROWTH_RSS, GROWTH_METRICS };

struct growth_sample {
	uint64_t round;
	int64_t value[GROWTH_METRICS]; /* maps; bytes; bytes. Negative: not measured */
	/* What the program itself holds at this moment. */
	uint64_t live_blocks, live_bytes, program_bytes;
	/*
	 * A kernel call was refused in this round, or in one since the last sample. What such
	 * rounds add is what lost.h judges, and counts for nothing here.
	 */
	bool refused;
};

struct growth;

size_t growth_arena_bytes(void);
int growth_new(struct arena *a, struct growth **ret_growth);

/*
 * A loop begins; the samples of the one before are forgotten. `late`: what is resident is measured
 * from its half on, so that half of what else makes a suspicion will do.
 */
void growth_begin(struct growth *g, bool late);

/* Whether the sample of this round would be kept (measuring it may cost). */
bool growth_wants(const struct growth *g, uint64_t round);
/* Rounds ascend. */
void growth_add(struct growth *g, const struct growth_sample *s);

/* A metric that rises in a line: its slope per round, and how far that goes up in `rounds`. */
struct growth_line {
	enum growth_metric metric;
	double per_round;
	int64_t risen;
	uint64_t rounds; /* that were judged: behind the warm-up, none of them refused */
};

/*
 * A suspicion: true, with the metric that shows it best (maps before mapped before resident). A
 * quarter of what would be more than a trifle will do.
 */
bool growth_judge(const struct growth *g, struct growth_line *ret_line);
/* Of this metric: what the longer run is asked, where another one may show it better. All that is
 * more than a trifle has to be there. */
bool growth_judge_metric(const struct growth *g, enum growth_metric metric,
			 struct growth_line *ret_line);

/* Whether the line goes on in the run that was GROWTH_STRETCH times as long. */
bool growth_confirms(const struct growth_line *first, const struct growth_line *stretched);

/*
 * The finding of a loop whose `repeat` is statement `stmt`: map-growth or footprint-growth.
 * n: per round in thousandths, risen, rounds.
 */
void growth_finding(int32_t stmt, const struct growth_line *line, struct finding *ret_f);
/* The line that a finding tells of; -EINVAL when it is none of growth. */
int growth_line_of(const struct finding *f, struct growth_line *ret_line);

#endif
