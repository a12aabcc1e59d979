#include <math.h>
#include <string.h>

#include "bench/machine.h"

#define LOAD_MAX    0.1 /* processors that others keep busy, on average */
#define DRIFT_MAX   0.03
#define STEAL_TICKS 5

static unsigned tell_load(const struct machine_state *states, size_t n, FILE *out)
{
	double sum = 0, most = 0;
	size_t known = 0;

	for (size_t i = 0; i < n; i++) {
		if (states[i].others_cpu < 0)
			continue;
		sum += states[i].others_cpu;
		most = fmax(most, states[i].others_cpu);
		known++;
	}
	if (!known || sum / (double)known <= LOAD_MAX)
		return 0;
	fprintf(out,
		"other processes kept %.2f processors busy on average, %.2f at most: end them, or "
		"read times as upper bounds\n",
		sum / (double)known, most);
	return 1;
}

static unsigned tell_drift(const struct machine_state *states, size_t n, FILE *out)
{
	double least = INFINITY, most = 0;

	for (size_t i = 0; i < n; i++) {
		if (states[i].spin_ns <= 0)
			continue;
		least = fmin(least, states[i].spin_ns);
		most = fmax(most, states[i].spin_ns);
	}
	if (most <= least * (1 + DRIFT_MAX))
		return 0;
	fprintf(out,
		"the same spin took %.0f to %.0f us: the machine's speed drifted by %.0f %%, so "
		"compare times within a block only\n",
		least / 1e3, most / 1e3, 100 * (most / least - 1));
	return 1;
}

static unsigned tell_frequency(const struct machine_state *states, size_t n, FILE *out)
{
	double least = INFINITY, most = 0;

	for (size_t i = 0; i < n; i++) {
		if (states[i].mhz <= 0)
			continue;
		least = fmin(least, states[i].mhz);
		most = fmax(most, states[i].mhz);
	}
	if (most <= least * (1 + DRIFT_MAX))
		return 0;
	fprintf(out, "the fastest processor ran at %.0f to %.0f MHz\n", least, most);
	return 1;
}

static unsigned tell_steal(const struct machine_state *states, size_t n, FILE *out)
{
	int64_t first = -1, last = -1;

	for (size_t i = 0; i < n; i++) {
		if (states[i].steal_ticks < 0)
			continue;
		first = first < 0 ? states[i].steal_ticks : first;
		last = states[i].steal_ticks;
	}
	if (last - first <= STEAL_TICKS)
		return 0;
	fprintf(out, "the hypervisor gave %lld ticks of processor time to others\n",
		(long long)(last - first));
	return 1;
}

static unsigned tell_governor(const struct machine_setting *m, FILE *out)
{
	const char *governors = m ? machine_governors(m) : "";

	if (!*governors || strcmp(governors, "performance") == 0)
		return 0;
	fprintf(out,
		"the frequency governor is %s: 'cpupower frequency-set -g performance' makes times "
		"steadier\n",
		governors);
	return 1;
}

unsigned machine_troubles(const struct machine_setting *m, const struct machine_state *states,
			  size_t n, FILE *out)
{
	return tell_governor(m, out) + tell_load(states, n, out) + tell_drift(states, n, out) +
	       tell_frequency(states, n, out) + tell_steal(states, n, out);
}
