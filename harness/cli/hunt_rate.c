#include "harness/cli/hunt_rate.h"

#define MOST_TRIES 100
/* No more than so many runs for one answer, which is no then. */
#define MOST_RUNS 200
/* So many times more likely: once in fifty times it is wrong; and the same for no, in twenty. */
#define SURE_IT_IS  50.0
#define SURE_IT_NOT (1.0 / 20)

unsigned hunt_tries(struct hunt_rate rate)
{
	double missed = 1, misses = 1 - (double)rate.fired / (double)rate.runs;
	unsigned tries = 0;

	do {
		missed *= misses;
		tries++;
	} while (missed > 0.01 && tries < MOST_TRIES);
	return tries;
}

static double power(double x, unsigned n)
{
	double all = 1;

	while (n--)
		all *= x;
	return all;
}

enum hunt_judgement hunt_rate_judge(struct hunt_rate wanted, struct hunt_rate seen)
{
	double rate = (double)wanted.fired / (double)wanted.runs;
	double enough = rate * 3 / 4, rare = rate / 3;
	double likely = power(enough / rare, seen.fired) *
			power((1 - enough) / (1 - rare), seen.runs - seen.fired);

	if (likely >= SURE_IT_IS)
		return HUNT_AS_OFTEN;
	return likely <= SURE_IT_NOT || seen.runs >= MOST_RUNS ? HUNT_TOO_RARE : HUNT_GO_ON;
}
