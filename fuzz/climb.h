/*
 * climb.h - the worst program for a goal: what a fed child saw is measured again in a fresh one,
 * and kept where that is worse than all before.
 */
#ifndef FUZZ_CLIMB_H
#define FUZZ_CLIMB_H

#include "fuzz/feeding.h"

struct climb {
	enum goal goal;
	const char *path;	/* of the worst program; NULL: it is kept nowhere */
	struct feeding *timing; /* GOAL_LATENCY: the same allocator, calls timed and nothing else */
	uint64_t worst_milli;
	uint64_t refuted_milli; /* what a fed child saw, and no fresh one since */
};

/* Returns 0, or an exit code with one line said. */
int climb_open(struct climb *c, const char *allocator, const struct target_flags *flags);

/* The goal's figure of an input that has just been fed; 0: none. */
uint64_t climb_measure(struct climb *c, const struct input_text *t, const struct feed_result *fed);

/* Keeps the program if it is the worst; true where it is. */
bool climb_consider(struct climb *c, const struct feeding *f, const struct input_text *t,
		    uint64_t fed_milli);

#endif
