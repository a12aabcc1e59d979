/*
 * machine.h - the machine around a benchmark: what may disturb it, with numbers.
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* At one moment; -1 where it is not known. */
struct machine_state {
	double load1;	/* /proc/loadavg */
	double mhz;	/* the highest of the processors that may be used */
	double spin_ns; /* ns of a fixed spin of 2^20 steps: what frequency and neighbours leave */
	double others_cpu; /* processors that others kept busy since the state before, 0..n */
	int64_t steal_ticks;
};

/* What stays the same during a benchmark: governor, turbo, SMT, THP, ASLR, overcommit, limits. */
struct machine_setting;

struct machine_setting *machine_read(void); /* NULL: out of memory */
void machine_free(struct machine_setting *m);
json_t *machine_json(const struct machine_setting *m); /* a new reference */
/* All that the processors have, each once; "": none is known. */
const char *machine_governors(const struct machine_setting *m);

void machine_state_read(struct machine_state *ret);
json_t *machine_state_json(const struct machine_state *s);

/*
 * One line for each trouble, with its numbers, to `out`: others' load, drift of the spin over
 * `states` (in order of time), a governor that is not `performance`. Returns how many lines.
 */
unsigned machine_troubles(const struct machine_setting *m, const struct machine_state *states,
			  size_t n, FILE *out);

#endif
