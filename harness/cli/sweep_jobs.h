/*
 * sweep_jobs.h - how many runs of a sweep go side by side.
 *
 * Programs sleep, and a run that sleeps needs no processor: the run without refusals tells how much
 * it slept and worked, and how much memory it took. A refusal can make it keep what it would
 * have given back, and its work is done once more: twice that much is reckoned with for each.
 */
#ifndef CLI_SWEEP_JOBS_H
#define CLI_SWEEP_JOBS_H

#include <stdint.h>

/* Of one run. */
struct sweep_cost {
	uint64_t slept_ns, cpu_ns, resident_bytes;
};

/* What there is. */
struct sweep_room {
	unsigned processors;
	uint64_t free_bytes; /* UINT64_MAX: not known */
};

struct sweep_room sweep_room(void);

/* From 1 on; half of the free memory is left alone. */
unsigned sweep_jobs(const struct sweep_cost *cost, const struct sweep_room *room);

#endif
