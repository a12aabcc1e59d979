/*
 * audit_seeds.c - the seed programs on each allocator, and a scorecard.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/audit.h"
#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/paths.h"
#include "harness/cli/print.h"
#include "harness/cli/profile_check.h"
#include "harness/cli/run_json.h"
#include "harness/cli/scorecard.h"

struct seeds {
	struct audit *a;
	const char *dir;
	char own[PATH_MAX]; /* the default one */
	struct folder_name folder;
	struct program *programs;
	size_t n;
	struct scorecard *cards;
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

static int open_entries(struct seeds *s, struct dirent **entries, size_t n)
{
	s->programs = calloc(n ? n : 1, sizeof(*s->programs));
	if (!s->programs)
		return EXIT_BROKEN;
	for (; s->n < n; s->n++) {
		char path[4096];
		const char *name = entries[s->n]->d_name;

		if (snprintf(path, sizeof(path), "%s/%s", s->dir, name) >= (int)sizeof(path))
			return EXIT_MISUSE;
		int code = program_open(path, &s->programs[s->n]);

		if (code)
			return code;
	}
	return 0;
}

static int open_corpus(struct seeds *s)
{
	struct dirent **entries;
	int n = scandir(s->dir, &entries, is_program, by_name);

	if (n <= 0) {
		cli_complain("%s: %s", s->dir, n < 0 ? strerror(errno) : "no .prog files");
		if (n == 0)
			free(entries);
		return EXIT_MISUSE;
	}
	int code = open_entries(s, entries, (size_t)n);

	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	s->folder = profile_folder(s->dir);
	return code;
}

/* What shows a finding again; what is missing shows in the whole audit alone. */
static void print_how(struct audit *a, const struct subject *s, const struct outcome_of_run *r,
		      const struct finding *f)
{
	if (f->kind == FINDING_PROFILE_MISMATCH)
		fprintf(a->text, "; see: %s audit -a %s%s\n", a->self, s->ref.given,
			audit_profile_words(a));
	else
		fprintf(a->text, "; see: %s run %s -a %s\n", a->self, r->in.program->path,
			s->ref.given);
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

		fprintf(a->text, "%s%s at op %d of %s on %s: %s", f->known ? "known " : "",
			finding_kind_name(f->finding->kind), f->finding->stmt, r->in.program->name,
			s->ref.name, f->message);
		print_how(a, s, r, f->finding);
	}
	fflush(a->text);
}

static int audit_one(struct seeds *all, size_t subject, size_t program)
{
	struct audit *a = all->a;
	const struct subject *s = &a->subjects[subject];
	const struct program *p = &all->programs[program];
	struct outcome_of_run r;

	print_progress("%zu of %zu: %s on %s", subject * all->n + program + 1,
		       a->nsubjects * all->n, p->name, s->ref.name);
	runner_run(s, p, &a->options.runner, &r);
	print_progress_clear();
	profile_check_shown(&r, all->folder.s);
	outcome_count(&a->tally, r.verdict.outcome);
	scorecard_add(&all->cards[subject], &r);
	print_findings(a, s, &r);
	int code = audit_write(a, run_json(&r.in, &r.verdict));

	runner_release(&r);
	return code;
}

static int audit_subject(struct seeds *all, size_t subject)
{
	const struct subject *s = &all->a->subjects[subject];

	scorecard_init(&all->cards[subject], &s->ref);
	all->cards[subject].without = all->a->options.runner.without;
	if (!s->ref.available) {
		audit_not_here(all->a, s);
		all->cards[subject].unsupported = 1;
		return 0;
	}
	for (size_t i = 0; i < all->n && !runner_interrupted(); i++) {
		int code = audit_one(all, subject, i);

		if (code)
			return code;
	}
	return audit_write(all->a, scorecard_json(&all->cards[subject]));
}

static int audit_all(struct seeds *all)
{
	struct audit *a = all->a;
	size_t done = 0;
	int code = 0;

	all->cards = calloc(a->nsubjects ? a->nsubjects : 1, sizeof(*all->cards));
	if (!all->cards)
		return EXIT_BROKEN;
	while (done < a->nsubjects && !code && !runner_interrupted())
		code = audit_subject(all, done++);
	scorecard_print(a->text, all->cards, done);
	if (runner_interrupted())
		return EXIT_BROKEN;
	return code ? code : outcome_exit_code(&a->tally);
}

static int execute(struct seeds *all)
{
	int err = all->a->corpus ? 0 : paths_data_dir("corpus/seeds", all->own);

	if (err) {
		cli_complain("cannot find the seed programs: %s", strerror(-err));
		return EXIT_BROKEN;
	}
	all->dir = all->a->corpus ? all->a->corpus : all->own;
	int code = open_corpus(all);

	if (!code)
		code = audit_begin(all->a, all->programs, all->n);
	if (code)
		return code;
	return json_out_end(&all->a->json, all->a->options.json, audit_all(all));
}

int audit_seeds(struct audit *a)
{
	struct seeds all = {.a = a};
	int code = execute(&all);

	for (size_t i = 0; all.programs && i < all.n; i++)
		program_release(&all.programs[i]);
	free(all.programs);
	free(all.cards);
	return code;
}
