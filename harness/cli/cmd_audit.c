/*
 * cmd_audit.c - allocrig audit: the seed programs on each allocator, and a scorecard.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "allocators/registry.h"
#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/json_out.h"
#include "harness/cli/paths.h"
#include "harness/cli/print.h"
#include "harness/cli/run_json.h"
#include "harness/cli/run_options.h"
#include "harness/cli/scorecard.h"

struct audit {
	struct run_options options;
	const char *corpus;   /* folder of .prog files */
	char seeds[PATH_MAX]; /* the default one */
	char self[PATH_MAX];  /* how to call this program again */
	struct program *programs;
	size_t nprograms;
	struct subject *subjects;
	size_t nsubjects;
	struct scorecard *cards;
	struct json_out json;
	struct outcome_tally tally;
	FILE *text;
};

enum { KEY_CORPUS = 512 };

static const struct argp_option options[] = {
	{"corpus", KEY_CORPUS, "DIR", 0, "folder of programs to run (default: the seeds)", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct audit *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->options;
		return 0;
	case KEY_CORPUS:
		a->corpus = arg;
		return 0;
	case ARGP_KEY_ARG:
		cli_misuse(state->argv[0], "audit takes no programs, found '%s'; use --corpus DIR",
			   arg);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {{&run_options_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
	.options = options,
	.parser = parse,
	.children = children,
	.doc = "Runs the seed programs on each allocator (default: all built-in ones that are "
	       "installed) and prints a scorecard.\v"
	       "Exit code: 0 clean, 1 finding, 2 broken, 3 usage error, 77 unsupported.",
};

static int is_program(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 5 && strcmp(entry->d_name + len - 5, ".prog") == 0;
}

/* The control goes before the run that is compared with it. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	bool a_control = strstr((*a)->d_name, "-control") != NULL;
	bool b_control = strstr((*b)->d_name, "-control") != NULL;

	if (a_control != b_control)
		return a_control ? -1 : 1;
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int open_entries(struct audit *a, struct dirent **entries, size_t n)
{
	a->programs = calloc(n ? n : 1, sizeof(*a->programs));
	if (!a->programs)
		return EXIT_BROKEN;
	for (; a->nprograms < n; a->nprograms++) {
		char path[4096];
		const char *name = entries[a->nprograms]->d_name;

		if (snprintf(path, sizeof(path), "%s/%s", a->corpus, name) >= (int)sizeof(path))
			return EXIT_MISUSE;
		int code = program_open(path, &a->programs[a->nprograms]);

		if (code)
			return code;
	}
	return 0;
}

static int open_corpus(struct audit *a)
{
	struct dirent **entries;
	int n = scandir(a->corpus, &entries, is_program, by_name);

	if (n <= 0) {
		cli_complain("%s: %s", a->corpus, n < 0 ? strerror(errno) : "no .prog files");
		if (n == 0)
			free(entries);
		return EXIT_MISUSE;
	}
	int code = open_entries(a, entries, (size_t)n);

	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	return code;
}

/* Without -a: every built-in that can be judged. */
static int open_subjects(struct audit *a)
{
	char *names[64];
	size_t n = 0;

	if (a->options.nallocators) {
		a->nsubjects = a->options.nallocators;
		return subjects_open(a->options.allocators, a->nsubjects, &a->options.runner,
				     &a->subjects);
	}
	for (size_t i = 0; i < plugin_count() && n < 64; i++)
		if (!plugin_at(i)->inside)
			names[n++] = (char *)plugin_at(i)->name;
	a->nsubjects = n;
	return subjects_open(names, n, &a->options.runner, &a->subjects);
}

/* One line per finding, with what to type to see it alone. */
static void print_findings(struct audit *a, const struct subject *s, const struct outcome_of_run *r)
{
	const struct verdict *v = &r->verdict;

	if (v->reason[0])
		fprintf(a->text, "%s: %s on %s: %s\n", outcome_name(v->outcome),
			r->in.program->name, s->ref.name, v->reason);
	for (unsigned i = 0; i < v->nfindings; i++) {
		const struct verdict_finding *f = &v->finding[i];

		fprintf(a->text, "%s%s at op %d of %s on %s: %s; see: %s run %s -a %s\n",
			f->known ? "known " : "", finding_kind_name(f->finding->kind),
			f->finding->stmt, r->in.program->name, s->ref.name, f->message, a->self,
			r->in.program->path, s->ref.given);
	}
	fflush(a->text);
}

static int write_line(struct audit *a, json_t *line)
{
	int err = json_out_write(&a->json, line);

	if (err)
		cli_complain_write(a->options.json, -err);
	return err ? EXIT_BROKEN : 0;
}

static int audit_one(struct audit *a, size_t subject, size_t program)
{
	const struct subject *s = &a->subjects[subject];
	const struct program *p = &a->programs[program];
	struct outcome_of_run r;

	print_progress("%zu of %zu: %s on %s", subject * a->nprograms + program + 1,
		       a->nsubjects * a->nprograms, p->name, s->ref.name);
	runner_run(s, p, &a->options.runner, &r);
	print_progress_clear();
	outcome_count(&a->tally, r.verdict.outcome);
	scorecard_add(&a->cards[subject], &r);
	print_findings(a, s, &r);
	int code = write_line(a, run_json(&r.in, &r.verdict));

	runner_release(&r);
	return code;
}

static int audit_subject(struct audit *a, size_t subject)
{
	const struct subject *s = &a->subjects[subject];

	scorecard_init(&a->cards[subject], &s->ref);
	a->cards[subject].without = a->options.runner.without;
	if (!s->ref.available) {
		fprintf(a->text, "%s is not here: %s\n", s->ref.name, s->ref.reason);
		a->cards[subject].unsupported = 1;
		outcome_count(&a->tally, OUTCOME_UNSUPPORTED);
		return 0;
	}
	for (size_t i = 0; i < a->nprograms && !runner_interrupted(); i++) {
		int code = audit_one(a, subject, i);

		if (code)
			return code;
	}
	return write_line(a, scorecard_json(&a->cards[subject]));
}

static int audit_all(struct audit *a)
{
	size_t done = 0;
	int code = 0;

	a->cards = calloc(a->nsubjects ? a->nsubjects : 1, sizeof(*a->cards));
	if (!a->cards)
		return EXIT_BROKEN;
	while (done < a->nsubjects && !code && !runner_interrupted())
		code = audit_subject(a, done++);
	scorecard_print(a->text, a->cards, done);
	if (runner_interrupted())
		return EXIT_BROKEN;
	return code ? code : outcome_exit_code(&a->tally);
}

static int execute(struct audit *a)
{
	int err = paths_self(a->self);

	if (!err && !a->corpus) {
		err = paths_data_dir("corpus/seeds", a->seeds);
		a->corpus = a->seeds;
	}
	if (err) {
		cli_complain("cannot find the seed programs: %s", strerror(-err));
		return EXIT_BROKEN;
	}
	int code = open_corpus(a);

	if (!code)
		code = open_subjects(a);
	if (code)
		return code;
	if (programs_would_be_lost(a->programs, a->nprograms, "--json", a->options.json))
		return EXIT_MISUSE;
	code = json_out_begin(&a->json, a->options.json, &a->text);
	if (code)
		return code;
	runner_catch_interrupts();
	return json_out_end(&a->json, a->options.json, audit_all(a));
}

int cmd_audit(int argc, char **argv)
{
	struct audit a = {.options.runner = runner_defaults(), .json.fd = -1};

	cli_parse(&argp, argc, argv, 0, &a);
	int code = execute(&a);

	for (size_t i = 0; a.programs && i < a.nprograms; i++)
		program_release(&a.programs[i]);
	free(a.programs);
	if (a.subjects)
		subjects_free(a.subjects, a.nsubjects);
	free(a.cards);
	run_options_release(&a.options);
	return code;
}
