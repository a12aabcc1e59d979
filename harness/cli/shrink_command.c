#include "harness/cli/shrink_command.h"

#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/run_setting.h"

enum { KEY_SIGNATURE = 1024, KEY_TRIES, KEY_TIME, KEY_CLEAN_ON };

static const struct argp_option options[] = {
	{"output", 'o', "FILE", 0,
	 "write the program there, each time that it got smaller; - is standard output", 0},
	{"signature", KEY_SIGNATURE, "S", 0,
	 "what it must go on showing (default: the gravest finding that is not known)", 0},
	{"tries", KEY_TRIES, "N", 0,
	 "for what shows only sometimes: runs until it must have (default: measured first)", 0},
	{"time", KEY_TIME, "TIME", 0,
	 "once it is confirmed: end after so long with the smallest that was found", 0},
	{"clean-on", KEY_CLEAN_ON, "NAME|FILE", 0,
	 "an allocator on which every smaller program must be clean; none: no such one (default: "
	 "guard where an '->' or an 'expect' names the finding)",
	 0},
	{0},
};

static unsigned tries_of(const char *arg, const struct argp_state *state)
{
	uint64_t n = option_number("--tries", arg, 1, state);

	return n < 1000000 ? (unsigned)n : 1000000;
}

static void check(const struct shrink_command *cmd, const char *command)
{
	if (!cmd->path)
		cli_misuse(command, "no program; name a .prog file, or - for standard input");
	if (cmd->options.nallocators != 1)
		cli_misuse(command,
			   "a program is shrunk on one allocator, and there are %zu; name "
			   "it with -a",
			   cmd->options.nallocators);
	if (!cmd->options.runner.oracles)
		cli_misuse(command, "shrinking judges, and --no-oracles does not");
	if (!cmd->options.runner.watch && cmd->options.runner.nfaults)
		cli_misuse(command, "--fault needs the tape, which --no-tape turns off");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct shrink_command *cmd = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &cmd->options;
		state->child_inputs[1] = &cmd->options.runner;
		return 0;
	case 'o':
		cmd->out = arg;
		return 0;
	case KEY_SIGNATURE:
		cmd->signature = arg;
		return 0;
	case KEY_TRIES:
		cmd->work.tries = tries_of(arg, state);
		return 0;
	case KEY_TIME:
		if (parse_duration(arg, &cmd->time_ns) != 0 || cmd->time_ns == 0)
			cli_misuse(state->argv[0], "--time takes a time such as 60s, not '%s'",
				   arg);
		return 0;
	case KEY_CLEAN_ON:
		cmd->clean_on = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (cmd->path)
			cli_misuse(state->argv[0], "one program at a time, not also '%s'", arg);
		cmd->path = arg;
		return 0;
	case ARGP_KEY_END:
		check(cmd, state->argv[0]);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{&run_options_argp, 0, NULL, 0}, {&run_setting_argp, 0, NULL, 0}, {0}};
const struct argp shrink_command_argp = {
	.options = options,
	.parser = parse,
	.children = children,
	.args_doc = "PROGRAM",
	.doc = "Makes a program smaller for as long as it shows the same finding, each time in a "
	       "fresh process, until nothing can be taken from it. The watchdog's default is 1s "
	       "here.\v"
	       "Exit code: 0 shrunk, 2 broken (also where the finding does not show again, and "
	       "after an interrupt, when the smallest so far is written), 3 usage error (also "
	       "where there is no finding), 77 unsupported.",
};
