/*
 * command.h - what `allocrig bench` was asked to do.
 */
#ifndef BENCH_COMMAND_H
#define BENCH_COMMAND_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "bench/page.h"

#define COMMAND_LIST_MAX 64

struct command_list {
	const char *word[COMMAND_LIST_MAX];
	unsigned n;
};

struct bench_command {
	bool maps; /* allocrig bench maps */
	bool list, quick, fresh;
	int latency; /* 0 off, 1 on, -1: as the set has it */
	char *allocators[COMMAND_LIST_MAX];
	unsigned nallocators;
	struct command_list workloads, metrics, after;
	unsigned reps, threads;					   /* 0: not said */
	uint64_t seed, scale_percent, time_ns, after_ns, limit_ns; /* scale 0: not said */
	const char *json, *table, *gbench;			   /* NULL: none */
};

extern const struct argp bench_command_argp; /* input: struct bench_command * */

struct bench_command bench_command_defaults(void);

#endif
