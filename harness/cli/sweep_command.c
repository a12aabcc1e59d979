/*
 * sweep_command.c - what to type to see one refusal of a sweep alone.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/fault_rule.h"
#include "harness/cli/kinds.h"
#include "harness/cli/paths.h"
#include "harness/cli/print.h"
#include "harness/cli/sweep.h"

/* For a shell: as it is where that is safe, else in single quotes. */
static void put_word(FILE *out, const char *word)
{
	fputc(' ', out);
	print_shell_word(out, word);
}

static void put_rule(FILE *out, const struct fault_rule *rule)
{
	fputs(" --fault", out);
	put_word(out, fault_rule_words(rule).s);
}

/* The options of the sweep that make a difference to a run. */
static void put_options(FILE *out, const struct runner_options *o)
{
	const struct runner_options plain = runner_defaults();

	if (o->load == LOAD_DLOPEN)
		fputs(" --load dlopen", out);
	if (o->check_full)
		fputs(" --check full", out);
	if (o->without)
		fprintf(out, " --without %s", kinds_words(o->without).s);
	if (o->check_ledger)
		fputs(" --check-ledger", out);
	if (o->seed != plain.seed)
		fprintf(out, " --seed %" PRIu64, o->seed);
	if (o->hang_ns != plain.hang_ns)
		fprintf(out, " --hang-after %" PRIu64 "ns", o->hang_ns);
	if (o->has_ballast)
		fprintf(out, " --ballast %" PRIu64, o->ballast);
	for (uint32_t i = 0; i < o->nfaults; i++)
		put_rule(out, &o->faults[i]);
}

char *sweep_command(const struct sweep_row *row, uint64_t nth)
{
	char self[PATH_MAX], *command = NULL;
	size_t len;
	struct fault_rule rule;
	FILE *out = open_memstream(&command, &len);

	if (!out)
		return NULL;
	sweep_rule(row->plan, nth, &rule);
	fputs(paths_self(self) == 0 ? self : "allocrig", out);
	fputs(" run", out);
	put_word(out, row->program->path);
	fputs(" -a", out);
	put_word(out, row->subject->ref.given);
	put_rule(out, &rule);
	put_options(out, row->options);
	if (fclose(out) != 0) {
		free(command);
		return NULL;
	}
	return command;
}
