/*
 * flags.h - what a fuzz target is told, by --name=value beside its engine's own flags and by the
 * environment. harness/cli/fuzz_job.h has the list.
 */
#ifndef FUZZ_FLAGS_H
#define FUZZ_FLAGS_H

#include "fuzz/goal.h"
#include "harness/cli/runner.h"

struct target_flags {
	const char *allocator, *other; /* NULL: not named */
	enum load_mode load;
	const char *inbox, *skip, *stats, *worst; /* NULL: none */
	const char *artifacts;			  /* libFuzzer's -artifact_prefix, or "./" */
	uint64_t hang_ns;
	enum goal climb;
	bool strict, no_state, bytes;
};

/*
 * Reads the environment, then the arguments from argv[1] on; of two the last counts. What does not
 * begin with two dashes is the engine's. Returns 0, or EXIT_MISUSE with one line said.
 */
int flags_parse(int argc, char *const *argv, struct target_flags *ret_flags);

#endif
