/*
 * cmd_run.c - allocrig run PROGRAM... -a ALLOCATOR...
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/json_out.h"
#include "harness/cli/print.h"
#include "harness/cli/run_json.h"
#include "harness/cli/run_options.h"

struct run_command {
	struct run_options options;
	char **paths;
	size_t npaths;
	bool print;
	struct program *programs;
	struct subject *subjects;
	struct json_out json;
	struct outcome_tally tally;
	FILE *text; /* where people read */
};

enum { KEY_PRINT = 512 };

static const struct argp_option options[] = {
	{"print", KEY_PRINT, NULL, 0,
	 "check the programs, print them in canonical form, run nothing", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run_command *cmd = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &cmd->options;
		return 0;
	case KEY_PRINT:
		cmd->print = true;
		return 0;
	case ARGP_KEY_ARG: {
		char **bigger = reallocarray(cmd->paths, cmd->npaths + 1, sizeof(*bigger));

		if (!bigger)
			return ENOMEM;
		cmd->paths = bigger;
		cmd->paths[cmd->npaths++] = arg;
		return 0;
	}
	case ARGP_KEY_END:
		if (!cmd->npaths)
			cli_misuse(state->argv[0], "no program; name a .prog file, or - for "
						   "standard input");
		if (!cmd->options.nallocators && !cmd->print)
			cli_misuse(state->argv[0], "no allocator; add -a NAME ('allocrig list' "
						   "shows them) or -a FILE.so");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {{&run_options_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
	.options = options,
	.parser = parse,
	.children = children,
	.args_doc = "PROGRAM...",
	.doc = "Runs programs on allocators and judges every call.\v"
	       "Exit code: 0 clean, 1 finding, 2 broken, 3 usage error, 77 unsupported.",
};

static int open_programs(struct run_command *cmd)
{
	cmd->programs = calloc(cmd->npaths, sizeof(*cmd->programs));
	if (!cmd->programs)
		return EXIT_BROKEN;
	for (size_t i = 0; i < cmd->npaths; i++)
		cmd->programs[i].fd = -1;
	for (size_t i = 0; i < cmd->npaths; i++) {
		int code = program_open(cmd->paths[i], &cmd->programs[i]);

		if (code)
			return code;
	}
	return 0;
}

static int run_one(struct run_command *cmd, const struct program *p, const struct subject *s)
{
	struct outcome_of_run r;

	print_progress("running %s on %s", p->name, s->ref.name);
	runner_run(s, p, &cmd->options.runner, &r);
	print_progress_clear();
	outcome_count(&cmd->tally, r.verdict.outcome);
	print_run(cmd->text, &r);
	int err = json_out_write(&cmd->json, run_json(&r.in, &r.verdict));

	runner_release(&r);
	if (err) {
		cli_complain_write(cmd->options.json, -err);
		return EXIT_BROKEN;
	}
	return 0;
}

static int run_all(struct run_command *cmd)
{
	struct print_widths widths = {0};

	for (size_t i = 0; i < cmd->npaths; i++)
		print_widen(&widths, cmd->programs[i].name, NULL);
	for (size_t j = 0; j < cmd->options.nallocators; j++)
		print_widen(&widths, NULL, cmd->subjects[j].ref.name);
	print_run_header(cmd->text, &widths);
	for (size_t i = 0; i < cmd->npaths; i++) {
		for (size_t j = 0; j < cmd->options.nallocators; j++) {
			int code = run_one(cmd, &cmd->programs[i], &cmd->subjects[j]);

			if (code)
				return code;
			if (runner_interrupted())
				return EXIT_BROKEN;
		}
	}
	return outcome_exit_code(&cmd->tally);
}

static int execute(struct run_command *cmd)
{
	int code = open_programs(cmd);

	for (size_t i = 0; cmd->print && !code && i < cmd->npaths; i++)
		code = program_print(&cmd->programs[i]);
	if (code || cmd->print)
		return code;
	code = subjects_open(cmd->options.allocators, cmd->options.nallocators,
			     &cmd->options.runner, &cmd->subjects);
	if (code)
		return code;
	if (programs_would_be_lost(cmd->programs, cmd->npaths, cmd->options.json))
		return EXIT_MISUSE;
	code = json_out_begin(&cmd->json, cmd->options.json, &cmd->text);
	if (code)
		return code;
	runner_catch_interrupts();
	return json_out_end(&cmd->json, cmd->options.json, run_all(cmd));
}

int cmd_run(int argc, char **argv)
{
	struct run_command cmd = {.options.runner = runner_defaults(), .json.fd = -1};

	cli_parse(&argp, argc, argv, 0, &cmd);
	int code = execute(&cmd);

	for (size_t i = 0; cmd.programs && i < cmd.npaths; i++)
		program_release(&cmd.programs[i]);
	free(cmd.programs);
	free(cmd.paths);
	subjects_free(cmd.subjects, cmd.options.nallocators);
	run_options_release(&cmd.options);
	return code;
}
