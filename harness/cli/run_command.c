#include "harness/cli/run_command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/run_setting.h"
#include "harness/prog/names.h"

enum {
	KEY_PRINT = 512,
	KEY_TAPE,
	KEY_SHOW_TAPE,
	KEY_SWEEP,
	KEY_SWEEP_ERRNO,
	KEY_SWEEP_MAX,
	KEY_JOBS,
	KEY_ONE_CHILD
};

static const struct argp_option options[] = {
	{"print", KEY_PRINT, NULL, 0,
	 "check the programs, print them in canonical form, run nothing", 0},
	{"tape", KEY_TAPE, "FILE", 0,
	 "write every kernel call of the allocator and the program as JSON Lines, while the run "
	 "goes on; - is standard output",
	 0},
	{"show-tape", KEY_SHOW_TAPE, NULL, 0,
	 "print every kernel call, as strace does, behind the op that made it", 0},
	{"one-child", KEY_ONE_CHILD, NULL, 0,
	 "run the programs one after the other in the same child, as a fuzzer does: a finding may "
	 "need what the earlier ones left behind",
	 0},
	{"sweep", KEY_SWEEP, "CALL[,CALL...]", 0,
	 "count these calls of the allocator, then refuse each in a run of its own; 'oom' refuses "
	 "all mmap, brk and mremap from each on",
	 0},
	{"sweep-errno", KEY_SWEEP_ERRNO, "ERRNO", 0, "with --sweep: what they fail with (ENOMEM)",
	 0},
	{"sweep-max", KEY_SWEEP_MAX, "N", 0,
	 "with --sweep: at most so many runs, evenly spread (default 200)", 0},
	{"jobs", KEY_JOBS, "N", 0,
	 "with --sweep: runs side by side (default: as many as the processors and the free memory "
	 "bear)",
	 0},
	{0},
};

static int add_path(struct run_command *cmd, char *arg)
{
	char **bigger = reallocarray(cmd->paths, cmd->npaths + 1, sizeof(*bigger));

	if (!bigger)
		return ENOMEM;
	cmd->paths = bigger;
	cmd->paths[cmd->npaths++] = arg;
	return 0;
}

/* The options that a sweep has. */
static int parse_sweep(struct run_command *cmd, int key, const char *arg,
		       const struct argp_state *state)
{
	struct sweep_plan *plan = &cmd->sweep.plan;
	const char *why = "";
	uint64_t n;
	int err;

	switch (key) {
	case KEY_SWEEP:
		if (sweep_plan_parse(plan, arg, &why) != 0)
			cli_misuse(state->argv[0], "--sweep %s, not '%s'", why, arg);
		cmd->sweeps = true;
		return 0;
	case KEY_SWEEP_ERRNO:
		cmd->sweep_only = "--sweep-errno";
		err = errno_by_name(arg, strlen(arg));
		if (err < 0)
			cli_misuse(state->argv[0],
				   "--sweep-errno takes a name such as ENOMEM, not '%s'", arg);
		plan->err = err;
		return 0;
	case KEY_SWEEP_MAX:
		cmd->sweep_only = "--sweep-max";
		plan->max = option_number("--sweep-max", arg, 1, state);
		return 0;
	default:
		cmd->sweep_only = "--jobs";
		n = option_number("--jobs", arg, 1, state);
		cmd->sweep.jobs = n < UINT32_MAX ? (unsigned)n : UINT32_MAX;
		return 0;
	}
}

/* Options that exclude one another. */
static void check_sweep(const struct run_command *cmd, const char *command)
{
	if (cmd->sweep_only && !cmd->sweeps)
		cli_misuse(command, "%s needs --sweep", cmd->sweep_only);
	if (!cmd->sweeps)
		return;
	if (!cmd->options.runner.oracles)
		cli_misuse(command, "--sweep judges, and --no-oracles does not");
	if (cmd->tape_path || cmd->show_tape)
		cli_misuse(command, "a sweep is many runs: take the tape of one of them, with the "
				    "--fault that the sweep names");
}

static void check_one_child(const struct run_command *cmd, const char *command)
{
	if (!cmd->one_child)
		return;
	if (cmd->sweeps || cmd->tape_path || cmd->show_tape)
		cli_misuse(command, "--one-child has neither a sweep nor a tape: run the program "
				    "alone for those");
	if (cmd->options.json)
		cli_misuse(command, "--one-child is for people: a result with --json is that of a "
				    "fresh child");
	if (!cmd->options.runner.oracles)
		cli_misuse(command, "--one-child judges, and --no-oracles does not");
}

static void check_all(const struct run_command *cmd, const char *command)
{
	const struct runner_options *o = &cmd->options.runner;
	const char *json = cmd->options.json;

	if (!cmd->npaths)
		cli_misuse(command, "no program; name a .prog file, or - for standard input");
	if (!cmd->options.nallocators && !cmd->print)
		cli_misuse(command, "no allocator; add -a NAME ('allocrig list' shows them) or "
				    "-a FILE.so");
	if (o->profile && cmd->options.nallocators > 1)
		cli_misuse(command, "--profile is for one allocator, and there are %zu",
			   cmd->options.nallocators);
	check_sweep(cmd, command);
	check_one_child(cmd, command);
	if (!o->watch && (cmd->tape_path || cmd->show_tape))
		cli_misuse(command, "--tape and --show-tape need what --no-tape turns off");
	if (!o->watch && (o->nfaults || cmd->sweeps))
		cli_misuse(command, "%s needs the tape, which --no-tape turns off",
			   cmd->sweeps ? "--sweep" : "--fault");
	if (json && cmd->tape_path && strcmp(json, "-") == 0 && strcmp(cmd->tape_path, "-") == 0)
		cli_misuse(command, "only one of --json and --tape can be standard output");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run_command *cmd = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &cmd->options;
		state->child_inputs[1] = &cmd->options.runner;
		return 0;
	case KEY_PRINT:
		cmd->print = true;
		return 0;
	case KEY_TAPE:
		cmd->tape_path = arg;
		return 0;
	case KEY_SHOW_TAPE:
		cmd->show_tape = true;
		return 0;
	case KEY_ONE_CHILD:
		cmd->one_child = true;
		return 0;
	case KEY_SWEEP:
	case KEY_SWEEP_ERRNO:
	case KEY_SWEEP_MAX:
	case KEY_JOBS:
		return parse_sweep(cmd, key, arg, state);
	case ARGP_KEY_ARG:
		return add_path(cmd, arg);
	case ARGP_KEY_END:
		check_all(cmd, state->argv[0]);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{&run_options_argp, 0, NULL, 0}, {&run_setting_argp, 0, NULL, 0}, {0}};
const struct argp run_command_argp = {
	.options = options,
	.parser = parse,
	.children = children,
	.args_doc = "PROGRAM...",
	.doc = "Runs programs on allocators and judges every call.\v"
	       "Exit code: 0 clean, 1 finding, 2 broken, 3 usage error, 77 unsupported.",
};
