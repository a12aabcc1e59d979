/*
 * feedback.h - what an input reached, as counters for an engine: each byte that is set is something
 * that an input may be kept for.
 *
 * Amounts are thermometers: of level n the first n bytes are set, so that an input that reaches a
 * higher level than all before has something new, and one that has less of everything has nothing.
 * States and edges (harness/exec/feedback.h) are counts, which engines put into buckets themselves.
 */
#ifndef FUZZ_FEEDBACK_H
#define FUZZ_FEEDBACK_H

#include "harness/exec/feed.h"

/* Amounts, with two levels an octave. */
enum gauge {
	GAUGE_MAPS,	  /* peak */
	GAUGE_MAPPED,	  /* peak of bytes over live bytes, in eighths */
	GAUGE_RESIDENT,	  /* resident over live bytes when all was given back, in eighths */
	GAUGE_KEPT_MAPS,  /* when all was given back */
	GAUGE_KEPT_BYTES, /* pages that are mapped then */
	GAUGE_LOST,	  /* pages */
	GAUGE_REFUSED,	  /* kernel calls */
	GAUGE_NULLS,	  /* allocating calls that failed for a refusal */
	GAUGE_OPS,
	GAUGES
};

#define FEEDBACK_PER_OCTAVE	 2
#define FEEDBACK_LEVELS		 96 /* 48 octaves */
#define FEEDBACK_GOAL_PER_OCTAVE 64
#define FEEDBACK_GOAL_LEVELS	 3072
/* Engines copy and clear all counters for each input: edges beyond share a place. */
#define FEEDBACK_EDGE_PLACES 32768

struct feedback_counters {
	uint8_t always; /* engines refuse to begin without any feature */
	uint8_t known[FINDING_KINDS], fresh[FINDING_KINDS];
	uint8_t gauge[GAUGES][FEEDBACK_LEVELS];
	uint8_t goal[FEEDBACK_GOAL_LEVELS];
	uint8_t states[FEEDBACK_STATES];
	uint8_t edges[FEEDBACK_EDGE_PLACES];
};

struct feedback {
	const struct feed_result *result;
	uint32_t known, fresh; /* sets of enum finding_kind that were found */
	uint64_t goal_milli;   /* 0: no goal, or nothing of it */
	bool no_state;	       /* edges alone */
};

/* Into counters that are all 0. */
void feedback_fill(const struct feedback *f, struct feedback_counters *counters);

/* 0 for 0; then 1 and `per_octave` more with each doubling; at most `most`. */
unsigned feedback_level(uint64_t value, unsigned per_octave, unsigned most);

#endif
