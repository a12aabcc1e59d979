/*
 * audit_conformance.c - every conformance rule on each allocator, and a table.
 */
#include <stdlib.h>
#include <string.h>

#include "harness/cli/audit.h"
#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/conformance.h"
#include "harness/cli/kinds.h"
#include "harness/cli/print.h"
#include "harness/cli/profile_check.h"
#include "harness/cli/run_json.h"

struct conformance_audit {
	struct audit *a;
	struct rulebook book;
	struct conformance table;
	struct folder_name folder;
	/* The lines below the table, gathered while it fills. */
	FILE *lines;
	char *lines_text;
	size_t lines_len;
};

/* A finding of the program's own is seen by running it, a mismatch by asking the profile again. */
static void tell_how(struct conformance_audit *all, const struct subject *s,
		     const struct rule *rule, const struct finding *f)
{
	const struct audit *a = all->a;

	if (f->kind != FINDING_PROFILE_MISMATCH)
		fprintf(all->lines, "%s run %s -a %s%s\n", a->self, rule->program.path,
			s->ref.given, audit_profile_words(a));
	else
		fprintf(all->lines, "%s audit --conformance %s -a %s%s%s%s\n", a->self,
			rule->program.name, s->ref.given, audit_profile_words(a),
			a->corpus ? " --corpus " : "", a->corpus ? a->corpus : "");
}

/* Those of one signature are one line: of how many ops, when this is the first; else 0. */
static unsigned ops_with(const struct verdict *v, unsigned at)
{
	unsigned n = 0;

	for (unsigned i = 0; i < v->nfindings; i++) {
		if (strcmp(v->finding[i].signature, v->finding[at].signature) != 0)
			continue;
		if (i < at)
			return 0;
		n++;
	}
	return n;
}

static void tell_finding(struct conformance_audit *all, const struct subject *s,
			 const struct rule *rule, const struct verdict_finding *f, unsigned ops)
{
	fprintf(all->lines, "%s%s at op %d", f->known ? "known " : "",
		finding_kind_name(f->finding->kind), f->finding->stmt);
	if (ops > 1)
		fprintf(all->lines, " and %u more", ops - 1);
	fprintf(all->lines, " of %s on %s: %s; see: ", rule->program.name, s->ref.name, f->message);
	tell_how(all, s, rule, f->finding);
}

static void tell_findings(struct conformance_audit *all, const struct subject *s,
			  const struct rule *rule, const struct outcome_of_run *r)
{
	const struct verdict *v = &r->verdict;

	if (v->reason[0])
		fprintf(all->lines, "%s: %s on %s: %s\n", outcome_name(v->outcome),
			rule->program.name, s->ref.name, v->reason);
	for (unsigned i = 0; i < v->nfindings; i++) {
		const struct verdict_finding *f = &v->finding[i];
		unsigned ops = ops_with(v, i);

		if (ops && (!f->known || r->in.strict))
			tell_finding(all, s, rule, f, ops);
	}
}

static int audit_rule(struct conformance_audit *all, size_t subject, size_t at)
{
	struct audit *a = all->a;
	const struct subject *s = &a->subjects[subject];
	const struct rule *rule = &all->book.rule[at];
	struct row *row = &all->table.column[subject].row[at];
	struct outcome_of_run r;

	print_progress("%zu of %zu: %s on %s", subject * all->book.n + at + 1,
		       a->nsubjects * all->book.n, rule->program.name, s->ref.name);
	conformance_run(s, rule, &a->options.runner, all->folder.s, &r, row);
	print_progress_clear();
	outcome_count(&a->tally, r.verdict.outcome);
	tell_findings(all, s, rule, &r);
	json_t *line = run_json(&r.in, &r.verdict);

	conformance_add_json(line, rule, row);
	int code = audit_write(a, line);

	runner_release(&r);
	return code;
}

static int audit_subject(struct conformance_audit *all, size_t subject)
{
	const struct subject *s = &all->a->subjects[subject];

	if (!s->ref.available) {
		audit_not_here(all->a, s);
		for (size_t i = 0; i < all->book.n; i++)
			all->table.column[subject].row[i].result = ROW_UNSUPPORTED;
	}
	for (size_t i = 0; s->ref.available && i < all->book.n && !runner_interrupted(); i++) {
		int code = audit_rule(all, subject, i);

		if (code)
			return code;
	}
	json_t *line = conformance_json(&all->table.column[subject], &all->book);

	json_object_set_new(line, "without", kinds_json(all->a->options.runner.without));
	return audit_write(all->a, line);
}

static int audit_all(struct conformance_audit *all)
{
	struct audit *a = all->a;
	int code = 0;

	if (conformance_init(&all->table, &all->book, a->subjects, a->nsubjects) != 0)
		return EXIT_BROKEN;
	all->lines = open_memstream(&all->lines_text, &all->lines_len);
	if (!all->lines)
		return EXIT_BROKEN;
	for (size_t i = 0; i < a->nsubjects && !code && !runner_interrupted(); i++)
		code = audit_subject(all, i);
	fclose(all->lines);
	conformance_print(a->text, &all->table, conformance_width(a->text));
	print_without(a->text, a->options.runner.without);
	if (all->lines_len)
		fprintf(a->text, "\n%s", all->lines_text);
	if (runner_interrupted())
		return EXIT_BROKEN;
	return code ? code : outcome_exit_code(&a->tally);
}

static int execute(struct conformance_audit *all)
{
	struct audit *a = all->a;
	int code = rulebook_open(a->corpus, a->only, a->nonly, &all->book);

	if (code)
		return code;
	all->folder = a->corpus ? profile_folder(a->corpus) : (struct folder_name){"conformance"};
	struct program *programs = calloc(all->book.n, sizeof(*programs));

	if (!programs)
		return EXIT_BROKEN;
	for (size_t i = 0; i < all->book.n; i++)
		programs[i] = all->book.rule[i].program;
	code = audit_begin(a, programs, all->book.n);
	free(programs);
	if (code)
		return code;
	return json_out_end(&a->json, a->options.json, audit_all(all));
}

int audit_conformance(struct audit *a)
{
	struct conformance_audit all = {.a = a};
	int code = execute(&all);

	if (all.table.book)
		conformance_release(&all.table);
	rulebook_release(&all.book);
	free(all.lines_text);
	return code;
}
