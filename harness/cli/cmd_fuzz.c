/*
 * cmd_fuzz.c - allocrig fuzz -a ALLOCATOR... --out DIR
 */
#include <stdlib.h>
#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/fuzz_report.h"
#include "harness/cli/fuzz_session.h"
#include "harness/cli/print.h"

/* One allocator has the folder itself, several have one each in it. */
static struct files_path folder_of(const struct fuzz_command *cmd, const struct subject *subject)
{
	struct files_path path;

	if (cmd->options.nallocators == 1) {
		snprintf(path.s, sizeof(path.s), "%s", cmd->out);
		return path;
	}
	path = files_join(cmd->out, subject->ref.name);
	/* Two files of one name are called by their paths, and a folder is no path. */
	for (char *p = path.s + strlen(cmd->out) + 1; path.s[0] && *p; p++)
		if (*p == '/')
			*p = '_';
	return path;
}

static int fuzz_one(struct fuzz_command *cmd, const struct subject *subject)
{
	struct files_path path = folder_of(cmd, subject);
	struct fuzz_session *s = calloc(1, sizeof(*s));
	uint64_t n = cmd->options.nallocators;
	int err = 0, code;

	if (!s)
		return EXIT_BROKEN;
	s->cmd = cmd;
	s->subject = subject;
	s->path = path.s;
	code = session_run(s, cmd->time_ns / n, cmd->shrink_ns / n);
	if (!code) {
		outcome_count(&cmd->tally, s->outcome);
		err = json_out_write(&cmd->json, fuzz_report_json(s));
	}
	session_release(s);
	free(s);
	if (err)
		cli_complain_write(cmd->options.json, err);
	return err ? EXIT_BROKEN : code;
}

/* The folder of several is locked too: it belongs to one call at a time. */
static int fuzz_all(struct fuzz_command *cmd)
{
	const struct store_key several = {0};
	struct fuzz_store root = {.lock = -1};
	int code = 0;

	if (cmd->options.nallocators > 1)
		code = store_open(&root, cmd->out, &several);
	for (size_t i = 0; i < cmd->options.nallocators && !code && !runner_interrupted(); i++)
		code = fuzz_one(cmd, &cmd->subjects[i]);
	store_close(&root);
	return code ? code : outcome_exit_code(&cmd->tally);
}

static int open_other(struct fuzz_command *cmd)
{
	if (!cmd->other)
		return 0;
	int code = subject_open(cmd->other, &cmd->options.runner, &cmd->other_subject);
	bool kernel = !code && subject_is_kernel(&cmd->other_subject);

	for (size_t i = 0; i < cmd->options.nallocators && !code; i++)
		kernel |= subject_is_kernel(&cmd->subjects[i]);
	if (!kernel)
		return code;
	cli_complain("--compare-with compares allocators, and the kernel is none");
	return EXIT_MISUSE;
}

static int execute(struct fuzz_command *cmd)
{
	int code = subjects_open(cmd->options.allocators, cmd->options.nallocators,
				 &cmd->options.runner, &cmd->subjects);

	if (!code)
		code = open_other(cmd);
	if (!code)
		code = json_out_begin(&cmd->json, cmd->options.json, &cmd->text);
	if (code)
		return code;
	runner_catch_interrupts();
	for (size_t i = 0; i < cmd->options.nallocators; i++)
		print_profile_note(cmd->text, &cmd->subjects[i]);
	return json_out_end(&cmd->json, cmd->options.json, fuzz_all(cmd));
}

int cmd_fuzz(int argc, char **argv)
{
	struct fuzz_command cmd = fuzz_command_defaults();

	cli_parse(&fuzz_command_argp, argc, argv, 0, &cmd);
	int code = execute(&cmd);

	subjects_free(cmd.subjects, cmd.options.nallocators);
	subject_release(&cmd.other_subject);
	free(cmd.corpora);
	run_options_release(&cmd.options);
	return code;
}
