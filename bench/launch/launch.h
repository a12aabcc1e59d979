/*
 * launch.h - runs one workload of bench/child in a fresh process and watches its memory from
 * outside: statm every few milliseconds, maps so that reading takes at most 1 % of the run, all of
 * them exactly at the ends of phases, where the process stands still.
 */
#ifndef BENCH_LAUNCH_H
#define BENCH_LAUNCH_H

#include "bench/page.h"
#include "bench/result.h"

struct launch_request {
	const char *program; /* path of allocrig-bench-child, or of its sampled build */
	const struct allocator_ref *ref;
	struct bench_request_in in; /* all but abi and file, which are filled here */
	uint64_t limit_ns;	    /* killed after so long: STATUS_TIMEOUT */
	bool curve;		    /* samples between the ends of phases too */
};

/*
 * Always fills `r` (key and ref are the caller's): status, metrics, phases, curve. With
 * runner_interrupted() the process is killed and the status is STATUS_INTERRUPTED.
 * r->points is freed by launch_release.
 */
void launch(const struct launch_request *q, struct bench_result *r);
void launch_release(struct bench_result *r);

/* Names, summaries and default threads of the workloads in the child, as it lists them itself. */
struct workload_info {
	char name[BENCH_NAME_MAX], summary[200];
	unsigned threads;
	bool only_fixed;
};

/* Asks the child (`--list`). Returns how many, or -errno; at most `most`. */
int launch_list(const char *program, struct workload_info *ret, unsigned most);

#endif
