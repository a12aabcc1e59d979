/*
 * kinds.h - the sorts of things that `allocrig bench` runs: one interface for the plan.
 *
 *   timed     a workload of bench/child as it is: time, memory, faults, curve
 *   sampled   the same with calls that are timed one by one and kernel calls that are counted
 *   program   a program of corpus/bench, in the child of `allocrig run` without oracles
 *   whole     a program of Debian's under hyperfine, with the allocator preloaded
 *   limit     the live heap that an allocator reaches before the kernel refuses (bench maps)
 */
#ifndef BENCH_KINDS_H
#define BENCH_KINDS_H

#include "bench/result.h"

struct bench_tools {
	char own_dir[PATH_MAX]; /* where allocrig lies */
	uint64_t limit_ns;	/* of one run */
	uint64_t after_ns;	/* how long what bench_key.after names goes on; 0: 10 s */
};

/* A benchmark that can be run: what `--workload` names. */
struct bench_item {
	char name[64]; /* "larson", "program/map-limit", "whole/redis" */
	char summary[200];
	char kind[16];
	unsigned threads; /* default; 0: no parameter */
	bool quick;	  /* is in the quick set */
	bool only_fixed;
};

struct bench_kind {
	const char *name;
	/* Appends what there is on this machine. 0 or -errno. */
	int (*list)(const struct bench_tools *t, struct bench_item *ret, unsigned *n,
		    unsigned most);
	/* One run: fills status and all else of `r`, of which key and ref are given. */
	void (*run)(const struct bench_tools *t, const struct bench_item *item,
		    const struct allocator_ref *ref, struct bench_result *r);
	/* Frees what run allocated in r. */
	void (*release)(struct bench_result *r);
};

extern const struct bench_kind bench_kind_timed, bench_kind_sampled, bench_kind_program,
	bench_kind_whole, bench_kind_limit;

#endif
