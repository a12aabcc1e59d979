/*
 * run_command.h - what `allocrig run` was asked to do.
 */
#ifndef CLI_RUN_COMMAND_H
#define CLI_RUN_COMMAND_H

#include "harness/cli/json_out.h"
#include "harness/cli/run_options.h"
#include "harness/cli/sweep.h"
#include "harness/cli/tape_out.h"

struct run_command {
	/* As parsed. */
	struct run_options options;
	char **paths;
	size_t npaths;
	bool print;
	const char *tape_path; /* NULL: none */
	bool show_tape;
	bool sweeps, one_child;
	const char *sweep_only; /* an option that means nothing without --sweep */
	struct sweep sweep;	/* its plan and its jobs */
	/* While it is done. */
	struct program *programs;
	struct subject *subjects;
	struct json_out json;
	struct tape_out tape;
	struct outcome_tally tally;
	FILE *text; /* where people read */
};

extern const struct argp run_command_argp; /* input: struct run_command * */

/* All programs in one child of each allocator. Returns an exit code. */
int run_in_one_child(struct run_command *cmd);

#endif
