/*
 * cmd_run.c - allocrig run PROGRAM... -a ALLOCATOR...
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/print.h"
#include "harness/cli/run_command.h"
#include "harness/cli/run_json.h"

static int open_programs(struct run_command *cmd)
{
	uint32_t more = cmd->options.runner.nfaults + cmd->sweeps;

	cmd->programs = calloc(cmd->npaths, sizeof(*cmd->programs));
	if (!cmd->programs)
		return EXIT_BROKEN;
	for (size_t i = 0; i < cmd->npaths; i++)
		cmd->programs[i].fd = -1;
	for (size_t i = 0; i < cmd->npaths; i++) {
		int code = program_open(cmd->paths[i], &cmd->programs[i]);

		if (code)
			return code;
		if (cmd->programs[i].info.header.nfaults + more > FAULT_RULES) {
			cli_complain("%s has %" PRIu32 " fault lines and the command line %" PRIu32
				     " more: at most %d in all",
				     cmd->paths[i], cmd->programs[i].info.header.nfaults, more,
				     FAULT_RULES);
			return EXIT_MISUSE;
		}
	}
	return 0;
}

static int write_failed(const char *path, int err)
{
	cli_complain_write(path, -err);
	return EXIT_BROKEN;
}

static int run_one(struct run_command *cmd, const struct program *p, const struct subject *s)
{
	struct outcome_of_run r;
	int tape_err = 0;
	bool taped = tape_out_wanted(&cmd->tape);

	print_progress("running %s on %s", p->name, s->ref.name);
	if (taped)
		tape_err = tape_out_begin(&cmd->tape, s->ref.name, p->name);
	if (!tape_err)
		runner_run(s, p, &cmd->options.runner, &r);
	print_progress_clear();
	if (tape_err)
		return write_failed(cmd->tape_path, tape_err);
	if (taped)
		tape_err = tape_out_end(
			&cmd->tape,
			r.result.shared ? atomic_load(&r.result.shared->tape.dropped) : 0);
	outcome_count(&cmd->tally, r.verdict.outcome);
	print_run(cmd->text, &r);
	int err = json_out_write(&cmd->json, run_json(&r.in, &r.verdict));

	runner_release(&r);
	if (err)
		return write_failed(cmd->options.json, err);
	return tape_err ? write_failed(cmd->tape_path, tape_err) : 0;
}

static int run_all(struct run_command *cmd)
{
	struct print_widths widths = {0};

	for (size_t i = 0; i < cmd->npaths; i++)
		print_widen(&widths, cmd->programs[i].name, NULL);
	for (size_t j = 0; j < cmd->options.nallocators; j++)
		print_widen(&widths, NULL, cmd->subjects[j].ref.name);
	for (size_t j = 0; j < cmd->options.nallocators; j++)
		print_profile_note(cmd->text, &cmd->subjects[j]);
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

static int sweep_all(struct run_command *cmd)
{
	struct sweep *s = &cmd->sweep;

	s->options = &cmd->options.runner;
	s->programs = cmd->programs;
	s->nprograms = cmd->npaths;
	s->subjects = cmd->subjects;
	s->nsubjects = cmd->options.nallocators;
	s->json = &cmd->json;
	s->json_path = cmd->options.json;
	s->text = cmd->text;
	s->outcomes = &cmd->tally;
	return sweep_execute(s);
}

static bool is_one_file(const struct run_command *cmd)
{
	if (!json_out_same_file(cmd->options.json, cmd->tape_path))
		return false;
	cli_complain("--json and --tape are the same file");
	return true;
}

static bool profile_would_be_lost(const struct run_command *cmd)
{
	const char *profile = cmd->options.runner.profile;

	if (!json_out_same_file(cmd->options.json, profile) &&
	    !json_out_same_file(cmd->tape_path, profile))
		return false;
	cli_complain("--profile and an output are the same file");
	return true;
}

/* The tape's file, or nothing. Where it goes to standard output people read on standard error. */
static int open_tape(struct run_command *cmd)
{
	bool to_stdout = cmd->tape_path && strcmp(cmd->tape_path, "-") == 0;

	if (to_stdout)
		cmd->text = stderr;
	int err = tape_out_open(&cmd->tape, cmd->tape_path, cmd->show_tape ? cmd->text : NULL);

	if (err)
		return write_failed(cmd->tape_path, err);
	if (is_one_file(cmd))
		return EXIT_MISUSE;
	if (tape_out_wanted(&cmd->tape)) {
		cmd->options.runner.on_tape = tape_out_entries;
		cmd->options.runner.tape_ctx = &cmd->tape;
	}
	return 0;
}

/* A sweep refuses the calls of an allocator. */
static int refuse_kernel(const struct run_command *cmd)
{
	for (size_t i = 0; cmd->sweeps && i < cmd->options.nallocators; i++)
		if (subject_is_kernel(&cmd->subjects[i]))
			return kernel_has_no_blocks("run --sweep");
	return 0;
}

static int run_with_outputs(struct run_command *cmd)
{
	int code = json_out_begin(&cmd->json, cmd->options.json, &cmd->text);

	if (code)
		return code;
	code = open_tape(cmd);
	runner_catch_interrupts();
	if (!code && cmd->one_child)
		code = run_in_one_child(cmd);
	else if (!code)
		code = cmd->sweeps ? sweep_all(cmd) : run_all(cmd);
	int err = tape_out_close(&cmd->tape);

	if (err)
		code = write_failed(cmd->tape_path, err);
	return json_out_end(&cmd->json, cmd->options.json, code);
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
	if (!code)
		code = refuse_kernel(cmd);
	if (code)
		return code;
	if (programs_would_be_lost(cmd->programs, cmd->npaths, "--json", cmd->options.json) ||
	    programs_would_be_lost(cmd->programs, cmd->npaths, "--tape", cmd->tape_path) ||
	    is_one_file(cmd) || profile_would_be_lost(cmd))
		return EXIT_MISUSE;
	return run_with_outputs(cmd);
}

int cmd_run(int argc, char **argv)
{
	struct run_command cmd = {
		.options.runner = runner_defaults(),
		.json.fd = -1,
		.tape.json.fd = -1,
		.sweep.plan = {.err = ENOMEM, .max = SWEEP_MAX},
	};

	cli_parse(&run_command_argp, argc, argv, 0, &cmd);
	int code = execute(&cmd);

	for (size_t i = 0; cmd.programs && i < cmd.npaths; i++)
		program_release(&cmd.programs[i]);
	free(cmd.programs);
	free(cmd.paths);
	subjects_free(cmd.subjects, cmd.options.nallocators);
	run_options_release(&cmd.options);
	return code;
}
