/*
 * fuzz_command.h - what `allocrig fuzz` was asked to do.
 */
#ifndef CLI_FUZZ_COMMAND_H
#define CLI_FUZZ_COMMAND_H

#include "harness/cli/json_out.h"
#include "harness/cli/run_options.h"

struct fuzz_command {
	/* As parsed. */
	struct run_options options; /* allocators, json; of the runner load, seed, hang, strict */
	const char *out;
	const char *other;   /* --compare-with; NULL: none */
	const char *targets; /* folder of the executables; NULL: beside this one */
	char **corpora;
	size_t ncorpora;
	uint64_t time_ns, shrink_ns;
	uint64_t stall_ns; /* 0: as --hang-after says */
	unsigned jobs;	   /* 0: as many as processors */
	int goal;	   /* enum fuzz_goal; -1: none */
	/* While it is done. */
	struct subject *subjects;
	struct subject other_subject;
	struct json_out json;
	struct outcome_tally tally;
	FILE *text; /* where people read */
};

extern const struct argp fuzz_command_argp; /* input: struct fuzz_command * */

struct fuzz_command fuzz_command_defaults(void);

#endif
