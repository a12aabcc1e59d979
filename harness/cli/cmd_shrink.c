/*
 * cmd_shrink.c - allocrig shrink PROGRAM -a ALLOCATOR
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/fault_rule.h"
#include "harness/cli/print.h"
#include "harness/cli/shrink_command.h"

#define HANG_NS 1000000000u
/* The file is written at most so often. */
#define WRITE_NS 1000000000u

/* Refusals and ballast go into the program, where they can be shrunk, as far as it can say them. */
static int fold_options(struct shrink_command *cmd)
{
	struct runner_options *o = &cmd->hunt.options;
	struct prog_header more = {.has_ballast = o->has_ballast, .ballast = o->ballast};
	uint32_t left = 0;

	for (uint32_t i = 0; i < o->nfaults; i++)
		if (more.nfaults < PROG_MAX_FAULTS &&
		    fault_rule_to_plan(&o->faults[i], &more.faults[more.nfaults]))
			more.nfaults++;
		else
			o->faults[left++] = o->faults[i];
	o->nfaults = left;
	o->has_ballast = false;
	int err = shrink_text(cmd->program.fd, &more, &cmd->text, &cmd->len);

	if (err == -E2BIG || cmd->program.info.header.nfaults + more.nfaults + left > FAULT_RULES) {
		cli_complain("%s: at most %d fault lines and --fault in all", cmd->path,
			     FAULT_RULES);
		return EXIT_MISUSE;
	}
	if (err)
		cli_complain("%s: %s", cmd->path, strerror(-err));
	return err ? EXIT_BROKEN : 0;
}

/* Says why nothing came of it, and returns the exit code. */
static int give_up(int err)
{
	print_progress_clear();
	if (err == -EINTR)
		cli_complain("interrupted before anything was shrunk");
	else
		cli_complain("cannot run: %s", strerror(-err));
	return EXIT_BROKEN;
}

static int measure(struct shrink_command *cmd)
{
	int err = shrink_measure(&cmd->work);

	if (err != -EAGAIN)
		return err ? give_up(err) : 0;
	cli_complain("%s showed once and not again in %u runs; add --tries 200",
		     cmd->hunt.signature, cmd->work.before.runs - 1);
	return EXIT_BROKEN;
}

/* The allocator that has to be clean, where there has to be one. */
static int choose_reference(struct shrink_command *cmd)
{
	const char *name = cmd->clean_on;
	struct hunt *h = &cmd->hunt;
	int code = 0;

	if (!name && (!h->by_program || subject_is_kernel(&cmd->subject)))
		return 0;
	if (name && strcmp(name, "none") == 0)
		return 0;
	int clean = shrink_choose_reference(&cmd->work, name, &cmd->reference, &code);

	if (clean < 0)
		return code ? code : give_up(clean);
	if (clean || !name)
		return 0;
	cli_complain("%s is not clean on %s, so no part of it can be asked to be", cmd->path, name);
	return EXIT_MISUSE;
}

static int told(void *ctx, const char *text, size_t len, bool fired)
{
	struct shrink_command *cmd = ctx;
	const struct hunt *h = &cmd->hunt;
	uint64_t now = hunt_now_ns();
	bool is_file = cmd->out && strcmp(cmd->out, "-") != 0;

	print_progress("shrinking %s: %zu bytes, %" PRIu64 " runs", h->signature,
		       fired ? len : cmd->kept_len, h->runs);
	if (!fired)
		return 0;
	cmd->kept_len = len;
	/* A suspicion is not yet what was promised. */
	if (is_file && !h->suspect && now - cmd->written_ns > WRITE_NS) {
		if (shrink_write(cmd, text, len))
			return -EIO;
		cmd->written_ns = now;
	}
	return 0;
}

static int shrink(struct shrink_command *cmd)
{
	cmd->kept_len = cmd->len;
	cmd->written_ns = hunt_now_ns();
	cmd->hunt.deadline_ns = cmd->time_ns ? cmd->written_ns + cmd->time_ns : 0;
	int err = shrink_minimize(&cmd->work);

	print_progress_clear();
	if (err && err != -EIO)
		cli_complain("cannot shrink: %s", strerror(-err));
	return err ? EXIT_BROKEN : 0;
}

static int hunt_and_shrink(struct shrink_command *cmd)
{
	struct hunt *h = &cmd->hunt;
	int code;

	cmd->work.hunt = h;
	cmd->work.text = cmd->text;
	cmd->work.len = cmd->len;
	cmd->work.shown = 1;
	cmd->work.told = told;
	cmd->work.ctx = cmd;
	h->tries = cmd->work.tries ? cmd->work.tries : 1;
	print_progress("looking for the finding of %s", cmd->program.name);
	code = hunt_choose(h, cmd->program.name, cmd->text, cmd->len, cmd->signature);
	h->options.confirm_growth = hunt_is_growth(h);
	if (!code)
		code = measure(cmd);
	if (!code)
		code = choose_reference(cmd);
	if (!code)
		code = shrink(cmd);
	print_progress_clear();
	if (code)
		return code;
	code = shrink_write(cmd, cmd->work.result.text, cmd->work.result.len);
	if (!code && cmd->work.result.stopped != -EINTR)
		shrink_measure_again(&cmd->work);
	shrink_say(cmd);
	int err = json_out_write(&cmd->json, shrink_json(cmd));

	if (err)
		cli_complain_write(cmd->options.json, err);
	return code || err || cmd->work.result.stopped == -EINTR ? EXIT_BROKEN : 0;
}

static bool outputs_collide(const struct shrink_command *cmd)
{
	if (programs_would_be_lost(&cmd->program, 1, "--json", cmd->options.json) ||
	    programs_would_be_lost(&cmd->program, 1, "--output", cmd->out))
		return true;
	bool both_stdout = cmd->options.json && strcmp(cmd->options.json, "-") == 0 && cmd->out &&
			   strcmp(cmd->out, "-") == 0;

	if (both_stdout || json_out_same_file(cmd->options.json, cmd->out)) {
		cli_complain("--json and --output are the same file");
		return true;
	}
	return false;
}

static int execute(struct shrink_command *cmd)
{
	FILE *text;
	int code = program_open(cmd->path, &cmd->program);

	if (code)
		return code;
	code = subject_open(cmd->options.allocators[0], &cmd->options.runner, &cmd->subject);
	if (!code)
		code = outputs_collide(cmd) ? EXIT_MISUSE : fold_options(cmd);
	if (!code)
		code = json_out_begin(&cmd->json, cmd->options.json, &text);
	if (code)
		return code;
	runner_catch_interrupts();
	code = hunt_and_shrink(cmd);
	return json_out_end(&cmd->json, cmd->options.json, code);
}

int cmd_shrink(int argc, char **argv)
{
	struct shrink_command cmd = {
		.options.runner = runner_defaults(),
		.json.fd = -1,
		.program.fd = -1,
		.begin_ns = hunt_now_ns(),
	};

	cmd.options.runner.hang_ns = HANG_NS;
	cli_parse(&shrink_command_argp, argc, argv, 0, &cmd);
	cmd.hunt.options = cmd.options.runner;
	cmd.hunt.subject = &cmd.subject;
	int code = execute(&cmd);

	program_release(&cmd.program);
	subject_release(&cmd.subject);
	subject_release(&cmd.reference);
	shrink_result_release(&cmd.work.result);
	run_options_release(&cmd.options);
	free(cmd.text);
	return code;
}
