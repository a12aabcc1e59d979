/*
 * hunt_rate.h - how often something shows, and whether it still shows that often.
 */
#ifndef CLI_HUNT_RATE_H
#define CLI_HUNT_RATE_H

#include <stdbool.h>

struct hunt_rate {
	unsigned fired, runs;
};

static inline bool hunt_rate_is_flaky(struct hunt_rate rate)
{
	return rate.fired && rate.fired < rate.runs;
}

enum hunt_judgement { HUNT_TOO_RARE = -1, HUNT_GO_ON, HUNT_AS_OFTEN };

/*
 * A sequential test: whether what was seen is more likely for three quarters of the wanted rate
 * than for a third of it, beyond doubt. What shows as often passes nearly always; what shows a
 * third as often passes once in fifty times, and never half as often as that: so however many
 * smaller programs are asked about one after the other, the rate cannot decay. `wanted` has fired.
 */
enum hunt_judgement hunt_rate_judge(struct hunt_rate wanted, struct hunt_rate seen);

/* Tries that miss it once in a hundred, by how often it showed. */
unsigned hunt_tries(struct hunt_rate rate);

#endif
