/*
 * launch_run.h - one process as it is watched, and what was seen of it.
 *
 * A stop is a hand-over: the process stands still and all figures are exact. Stop 0 is before the
 * first phase, stop i is the end of phase i - 1.
 */
#ifndef BENCH_LAUNCH_RUN_H
#define BENCH_LAUNCH_RUN_H

#include <sys/resource.h>

#include "bench/launch/launch.h"
#include "bench/launch/launch_curve.h"
#include "bench/launch/launch_meter.h"
#include "bench/launch/launch_spawn.h"

#define LAUNCH_OUTPUT_MAX 16384
#define LAUNCH_STOPS_MAX  (BENCH_PHASES + 1)

enum launch_kill {
	KILL_NOT,
	KILL_LIMIT,
	KILL_INTERRUPT,
	KILL_DAMAGE /* the hand-over on the page was written to by somebody else */
};

struct launch_stop {
	struct memory quick, exact; /* of the process, nothing taken off */
	struct memory_peaks peaks;
	int64_t live;
	uint64_t own; /* resident bytes of the benchmark's */
	uint64_t ns;
};

struct launch_run {
	const struct launch_request *q;
	struct bench_page *page; /* shared */
	struct bench_page *copy; /* when the process is gone; NULL: no memory */
	struct launched child;
	struct meter meter;
	struct launch_stop stops[LAUNCH_STOPS_MAX];
	unsigned nstops;
	bool peak_is_reset;
	struct curve curve;
	uint64_t nsamples, maps_samples, maps_ns; /* readings between stops, and what they took */
	uint64_t next_sample_ns, next_maps_ns;
	uint64_t begin_ns, end_ns, oom_kills;
	enum launch_kill kill;
	char output[LAUNCH_OUTPUT_MAX]; /* the first bytes */
	size_t output_len;
	int status; /* of wait */
	struct rusage used;
	int err; /* -errno: it was not even started, or there was no memory */
};

/* Fills all of `run` but q, which is given; returns when the process is gone. */
void launch_watch(struct launch_run *run);
void launch_run_release(struct launch_run *run);

/* How it ended: r->status and r->why. */
void launch_judge(const struct launch_run *run, struct bench_result *r);

/* What was seen, of a run that ended as it should: phases, metrics, more, and a thinned curve. */
void launch_fill(struct launch_run *run, struct bench_result *r);

/* Phases of the workload's own: all but "after". */
unsigned launch_own_phases(const struct launch_run *run);

/* Figures of memory, into metrics; and of what was given back after the last phase. */
void launch_memory(const struct launch_run *run, struct bench_result *r);
void launch_return(const struct launch_run *run, struct bench_result *r);
/* Times, faults, calls and latencies, of the page. */
void launch_speed(const struct launch_run *run, struct bench_result *r);

#endif
