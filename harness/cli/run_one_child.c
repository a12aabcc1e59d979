/*
 * allocrig run --one-child: programs that meet what those before them have left behind.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/one_child.h"
#include "harness/cli/print.h"
#include "harness/cli/run_command.h"

struct telling {
	struct run_command *cmd;
	const struct subject *subject;
	uint32_t before; /* programs that the child of the next one had */
};

static int tell(void *ctx, uint32_t i, const struct feed_result *r, const struct verdict *v)
{
	struct telling *t = ctx;
	FILE *out = t->cmd->text;

	t->before = r->fresh ? 0 : t->before + 1;
	outcome_count(&t->cmd->tally, v->outcome);
	fprintf(out, "%s on %s, behind %u in its child: %s\n", t->cmd->programs[i].name,
		t->subject->ref.name, t->before, outcome_name(v->outcome));
	if (v->reason[0])
		fprintf(out, "  %s\n", v->reason);
	for (unsigned j = 0; j < v->nfindings; j++)
		print_finding(out, &v->finding[j]);
	if (v->nfindings && t->before)
		fprintf(out, "  this may need the programs before it: run it alone to see\n");
	if (r->growth.suspected)
		fprintf(out, "  it seems to grow, which is judged where it is run alone\n");
	fflush(out);
	return 0;
}

static int read_program(const struct program *p, struct feed_text *ret_text)
{
	struct stat st;

	if (fstat(p->fd, &st) != 0)
		return -errno;
	char *text = malloc((size_t)st.st_size + 1);
	ssize_t n = text ? pread(p->fd, text, (size_t)st.st_size, 0) : -1;

	if (n < 0) {
		free(text);
		return text ? -errno : -ENOMEM;
	}
	*ret_text = (struct feed_text){.text = text, .len = (size_t)n};
	return 0;
}

static int run_on(struct run_command *cmd, const struct subject *subject,
		  const struct feed_text *programs)
{
	struct telling t = {.cmd = cmd, .subject = subject};
	const struct one_child c = {
		.subject = subject, .options = &cmd->options.runner, .told = tell, .ctx = &t};

	if (!subject->ref.available) {
		fprintf(cmd->text, "%s: unsupported: %s\n", subject->ref.name, subject->ref.reason);
		outcome_count(&cmd->tally, OUTCOME_UNSUPPORTED);
		return 0;
	}
	return one_child_run(&c, programs, (uint32_t)cmd->npaths);
}

int run_in_one_child(struct run_command *cmd)
{
	struct feed_text *programs = calloc(cmd->npaths, sizeof(*programs));
	int err = programs ? 0 : -ENOMEM;

	for (size_t i = 0; i < cmd->npaths && !err; i++)
		err = read_program(&cmd->programs[i], &programs[i]);
	for (size_t i = 0; i < cmd->options.nallocators && !err; i++)
		err = run_on(cmd, &cmd->subjects[i], programs);
	for (size_t i = 0; programs && i < cmd->npaths; i++)
		free((void *)programs[i].text);
	free(programs);
	if (err && err != -EINTR)
		cli_complain("cannot run: %s", strerror(-err));
	return err ? EXIT_BROKEN : outcome_exit_code(&cmd->tally);
}
