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
/* Runs that measure how often it shows: at first, and when that was not each time. */
#define RUNS	   5
#define RUNS_FLAKY 20
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

static bool stops_softly(int err)
{
	return err == -EINTR || err == -ETIME;
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

/* How often it shows decides how often a smaller program is tried. */
static int measure(struct shrink_command *cmd)
{
	struct hunt *h = &cmd->hunt;
	/* A growth is confirmed by several long runs as it is. */
	struct hunt_rate more = {.runs = hunt_is_growth(h) ? 0 : RUNS - 1};
	int err = hunt_measure(h, cmd->text, cmd->len, &more);
	bool always = more.fired == more.runs;

	if (!err && !always) {
		more.runs = RUNS_FLAKY - 1;
		err = hunt_measure(h, cmd->text, cmd->len, &more);
	}
	if (err)
		return give_up(err);
	cmd->before = (struct hunt_rate){.fired = more.fired + 1, .runs = more.runs + 1};
	if (!always && !more.fired && !cmd->tries) {
		cli_complain("%s showed once and not again in %u runs; add --tries 200",
			     h->signature, more.runs);
		return EXIT_BROKEN;
	}
	h->tries = cmd->tries ? cmd->tries : always ? 1 : hunt_tries(cmd->before);
	h->in_a_row = h->tries > 1 || hunt_is_growth(h) ? 1 : 2;
	return 0;
}

/* The allocator that has to be clean, where there has to be one. */
static int choose_reference(struct shrink_command *cmd)
{
	const char *name = cmd->clean_on;
	struct hunt *h = &cmd->hunt;

	if (!name && (!h->by_program || subject_is_kernel(&cmd->subject)))
		return 0;
	if (!name)
		name = "guard";
	if (strcmp(name, "none") == 0)
		return 0;
	struct runner_options plain = cmd->options.runner;

	plain.profile = NULL;
	int code = subject_open(name, &plain, &cmd->reference);

	if (code)
		return code;
	int clean = hunt_is_clean(h, &cmd->reference, cmd->text, cmd->len);

	if (clean < 0)
		return give_up(clean);
	if (clean) {
		h->reference = &cmd->reference;
	} else if (cmd->clean_on) {
		cli_complain("%s is not clean on %s, so no part of it can be asked to be",
			     cmd->path, name);
		return EXIT_MISUSE;
	}
	return 0;
}

static int fires(void *ctx, const char *text, size_t len)
{
	struct shrink_command *cmd = ctx;
	struct hunt *h = &cmd->hunt;
	int fired = hunt_fires(h, text, len);
	uint64_t now = hunt_now_ns();
	bool is_file = cmd->out && strcmp(cmd->out, "-") != 0;

	if (fired < 0)
		return fired;
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
	return 1;
}

static int shrink_once(struct shrink_command *cmd, struct shrink_result *ret_result)
{
	const struct shrink_request req = {
		.text = cmd->text, .len = cmd->len, .fires = fires, .ctx = cmd};

	return shrink_program(&req, ret_result);
}

/*
 * A smaller program that only seems to grow costs one run, to confirm it three and long ones: so
 * first the suspicion is shrunk, as that mostly gives what can be confirmed. A step that not even
 * raises it could not be confirmed either, so the result is as minimal.
 */
static int shrink_suspicion(struct shrink_command *cmd, bool *ret_confirmed)
{
	struct hunt *h = &cmd->hunt;
	struct shrink_result r;
	int confirmed = 0;

	h->suspect = true;
	h->options.confirm_growth = false;
	int err = shrink_once(cmd, &r);

	h->suspect = false;
	h->options.confirm_growth = true;
	if (err)
		return err;
	if (!r.stopped)
		confirmed = hunt_fires(h, r.text, r.len);
	*ret_confirmed = confirmed == 1;
	if (*ret_confirmed)
		cmd->result = r;
	else
		shrink_result_release(&r);
	return 0;
}

static int shrink(struct shrink_command *cmd)
{
	bool done = false;
	int err = 0;

	cmd->kept_len = cmd->len;
	cmd->written_ns = hunt_now_ns();
	cmd->hunt.deadline_ns = cmd->time_ns ? cmd->written_ns + cmd->time_ns : 0;
	if (hunt_is_growth(&cmd->hunt))
		err = shrink_suspicion(cmd, &done);
	if (!err && !done)
		err = shrink_once(cmd, &cmd->result);
	if (!err && cmd->result.stopped && !stops_softly(cmd->result.stopped))
		err = cmd->result.stopped;
	print_progress_clear();
	if (err && err != -EIO)
		cli_complain("cannot shrink: %s", strerror(-err));
	return err ? EXIT_BROKEN : 0;
}

/*
 * What came out, in the mode that found it and in the other. An interrupt leaves it unmeasured. A
 * growth was confirmed by the longest of runs when it was kept.
 */
static void measure_again(struct shrink_command *cmd)
{
	struct hunt other = cmd->hunt;
	struct hunt_rate rate = cmd->before, in_other = rate;

	if (hunt_is_growth(&other)) {
		cmd->after = rate;
		return;
	}
	cmd->hunt.deadline_ns = other.deadline_ns = 0;
	other.runs = 0;
	if (hunt_measure(&cmd->hunt, cmd->result.text, cmd->result.len, &rate) == 0)
		cmd->after = rate;
	const struct plugin *plugin = cmd->subject.ref.plugin;

	if (plugin && plugin->inside)
		return;
	other.options.load = other.options.load == LOAD_PRELOAD ? LOAD_DLOPEN : LOAD_PRELOAD;
	if (hunt_measure(&other, cmd->result.text, cmd->result.len, &in_other) == 0)
		cmd->other = in_other;
	cmd->hunt.runs += other.runs;
}

static int hunt_and_shrink(struct shrink_command *cmd)
{
	struct hunt *h = &cmd->hunt;
	int code;

	h->tries = cmd->tries ? cmd->tries : 1;
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
	code = shrink_write(cmd, cmd->result.text, cmd->result.len);
	if (!code && cmd->result.stopped != -EINTR)
		measure_again(cmd);
	shrink_say(cmd);
	int err = json_out_write(&cmd->json, shrink_json(cmd));

	if (err)
		cli_complain_write(cmd->options.json, err);
	return code || err || cmd->result.stopped == -EINTR ? EXIT_BROKEN : 0;
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
	shrink_result_release(&cmd.result);
	run_options_release(&cmd.options);
	free(cmd.text);
	return code;
}
