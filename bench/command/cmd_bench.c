/*
 * cmd_bench.c - allocrig bench [maps]
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "allocators/registry.h"
#include "bench/command/command.h"
#include "bench/command/digest.h"
#include "bench/command/export.h"
#include "bench/command/select.h"
#include "bench/command/session.h"
#include "bench/command/table.h"
#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/out_file.h"
#include "harness/cli/paths.h"
#include "harness/cli/print.h"
#include "harness/cli/runner.h"

#define SCALE_QUICK 25
#define LOOP_FILE   "allocators/libvoid.so"

static const struct bench_kind *const kinds[] = {&bench_kind_timed,   &bench_kind_sampled,
						 &bench_kind_program, &bench_kind_whole,
						 &bench_kind_limit,   NULL};

struct bench_state {
	struct bench_command command;
	struct offer offer;
	struct selection selection;
	struct subject *subjects; /* all of -a; of them those that are here are in refs */
	size_t nsubjects;
	const struct allocator_ref *refs[COMMAND_LIST_MAX];
	unsigned nrefs;
	struct allocator_ref loop;
	bool has_loop;
	struct bench_file file;
	struct bench_session session;
	FILE *text; /* where people read */
};

/* Without -a: every built-in that is here. */
static int open_subjects(struct bench_state *b)
{
	const struct runner_options options = runner_defaults();
	char **names = b->command.allocators;
	size_t n = b->command.nallocators;

	for (size_t i = 0; !b->command.nallocators && i < plugin_count(); i++)
		if (!plugin_at(i)->inside && n < COMMAND_LIST_MAX)
			names[n++] = (char *)plugin_at(i)->name;
	int code = subjects_open(names, n, &options, &b->subjects);

	if (code)
		return code;
	b->nsubjects = n;
	for (size_t i = 0; i < n; i++)
		if (subject_is_kernel(&b->subjects[i])) {
			cli_complain("bench needs an allocator, and the kernel is none: name one "
				     "with -a");
			return EXIT_MISUSE;
		}
	return 0;
}

/* One line for each that is not here. */
static int choose_subjects(struct bench_state *b)
{
	for (size_t i = 0; i < b->nsubjects; i++) {
		struct allocator_ref *ref = &b->subjects[i].ref;

		if (ref->available)
			b->refs[b->nrefs++] = ref;
		else
			fprintf(b->text, "%s is not here: %s\n", ref->name, ref->reason);
		if (strcmp(ref->name, LOOP_NAME) == 0) {
			cli_complain("-a %s: '" LOOP_NAME "' is what tables call the loop's own "
				     "cost; name the file by another name",
				     ref->given);
			return EXIT_MISUSE;
		}
	}
	return b->nrefs ? 0 : EXIT_UNSUPPORTED;
}

static void open_loop(struct bench_state *b, const char *own_dir)
{
	char path[PATH_MAX + 32], why[1024];

	snprintf(path, sizeof(path), "%s/" LOOP_FILE, own_dir);
	b->has_loop = access(path, R_OK) == 0 &&
		      allocator_resolve("void", own_dir, &b->loop, why, sizeof(why)) == 0 &&
		      b->loop.available;
	snprintf(b->loop.name, sizeof(b->loop.name), LOOP_NAME);
}

static bool is_shown(const struct bench_state *b, const struct bench_key *k)
{
	bool named = b->has_loop && strcmp(k->allocator, LOOP_NAME) == 0;

	for (unsigned i = 0; i < b->nrefs && !named; i++)
		named = strcmp(k->allocator, b->refs[i]->name) == 0;
	for (unsigned i = 0; i < b->selection.n && named; i++) {
		const struct plan_entry *e = &b->selection.entries[i];

		if (strcmp(k->workload, e->item->name) == 0 &&
		    strcmp(k->build, e->kind->name) == 0 && strcmp(k->after, e->after) == 0)
			return true;
	}
	return false;
}

/* The file may have more than what this call is about. The rows stay the file's. */
static int shown_rows(const struct bench_state *b, struct rows *ret_rows)
{
	const struct rows *all = &b->file.rows;
	struct rows rows = {.row = calloc(all->n + 1, sizeof(struct result_line *))};

	if (!rows.row)
		return -ENOMEM;
	for (size_t i = 0; i < all->n; i++)
		if (is_shown(b, &all->row[i]->key))
			rows.row[rows.n++] = all->row[i];
	*ret_rows = rows;
	return 0;
}

static int print_tables(const struct bench_command *c, const struct rows *rows, FILE *out)
{
	const struct table t = {
		.out = out,
		.width = table_width(out),
		.metrics = c->metrics.word,
		.nmetrics = c->metrics.n,
	};
	struct digest d;
	int err = digest_make(rows, &d);

	if (err) {
		cli_complain("%s", strerror(-err));
		return EXIT_BROKEN;
	}
	table_print(&t, &d);
	digest_release(&d);
	return 0;
}

static int write_gbench(const char *path, const struct rows *rows)
{
	struct out_file out;
	int err = out_file_open(&out, path);
	json_t *all = err ? NULL : export_gbench(rows);

	if (!err)
		err = all ? 0 : -ENOMEM;
	if (!err && json_dumpf(all, out.stream, JSON_INDENT(1)) != 0)
		err = -EIO;
	json_decref(all);
	err = out_file_close(&out, err);
	if (err)
		cli_complain_write(path, err);
	return err ? EXIT_BROKEN : 0;
}

static bool is_stdout(const char *path)
{
	return path && strcmp(path, "-") == 0;
}

/* Hours are not spent on what cannot be written then. */
static int check_gbench(const struct bench_command *c)
{
	struct out_file out;
	int err;

	if (!c->gbench || is_stdout(c->gbench))
		return 0;
	if (json_out_same_file(c->gbench, c->json) || json_out_same_file(c->gbench, c->table)) {
		cli_complain("--gbench %s is a file of results too; name another one", c->gbench);
		return EXIT_MISUSE;
	}
	err = out_file_open(&out, c->gbench);
	out_file_close(&out, -ECANCELED);
	if (err)
		cli_complain_write(c->gbench, err);
	return err ? EXIT_BROKEN : 0;
}

static int show_rows(const struct bench_command *c, const struct rows *rows, FILE *text)
{
	int code = print_tables(c, rows, text);

	if (!code && c->gbench)
		code = write_gbench(c->gbench, rows);
	return code;
}

static int show_file(const struct bench_command *c)
{
	struct rows rows;
	int code = bench_file_read(c->table, &rows);

	if (code)
		return code;
	if (!rows.n)
		printf("%s has no results\n", c->table);
	code = show_rows(c, &rows, is_stdout(c->gbench) ? stderr : stdout);
	rows_release(&rows);
	return code;
}

static void print_plan(const struct bench_state *b)
{
	const struct bench_session *s = &b->session;

	fprintf(b->text, "seed %" PRIu64 ", scale %" PRIu64 " %%, %u allocators", s->seed,
		s->scale_percent, b->nrefs);
	if (b->selection.left_out)
		fprintf(b->text, "; %u workloads have fixed work alone and are left out",
			b->selection.left_out);
	if (b->file.found)
		fprintf(b->text, "; %s has %zu results already", b->file.path, b->file.found);
	if (b->file.torn)
		fprintf(b->text, "; its last line was torn and is made again");
	fprintf(b->text, "\n");
	if (!b->has_loop)
		fprintf(b->text, "the void allocator is not here (%s): no net ns per op\n",
			LOOP_FILE);
}

static void print_troubles(const struct bench_state *b)
{
	const struct bench_session *s = &b->session;
	struct machine_setting *m = machine_read();

	if (m && s->nstates)
		machine_troubles(m, s->states, s->nstates, b->text);
	machine_free(m);
}

static int show_results(struct bench_state *b, int code)
{
	const struct bench_session *s = &b->session;
	struct rows rows;
	int err = shown_rows(b, &rows);

	print_progress_clear();
	if (err)
		return EXIT_BROKEN;
	int shown = show_rows(&b->command, &rows, b->text);

	free(rows.row);
	print_troubles(b);
	fprintf(b->text, "%zu runs, %zu of them from before; seed %" PRIu64 "\n",
		s->made + s->present, s->present, s->seed);
	if (runner_interrupted()) {
		fprintf(b->text, "interrupted after %zu of %zu runs%s\n", s->made + s->present,
			s->planned,
			b->file.out.is_regular ? "; the same call goes on from here" : "");
		return EXIT_BROKEN;
	}
	return code ? code : shown;
}

static void progress(const char *line)
{
	print_progress("%s", line);
}

static void set_up_session(struct bench_state *b)
{
	const struct bench_command *c = &b->command;
	struct bench_session *s = &b->session;

	s->seed = c->seed;
	s->scale_percent = c->scale_percent ? c->scale_percent : c->quick ? SCALE_QUICK : 100;
	s->time_ns = c->time_ns;
	s->threads = c->threads;
	s->tools.limit_ns = c->limit_ns;
	s->tools.after_ns = c->after_ns;
	s->entries = b->selection.entries;
	s->nentries = b->selection.n;
	s->refs = b->refs;
	s->nrefs = b->nrefs;
	s->loop = b->has_loop ? &b->loop : NULL;
	s->file = &b->file;
	s->interrupted = runner_interrupted;
	s->progress = progress;
}

static int run_session(struct bench_state *b)
{
	const struct bench_session *s = &b->session;
	const struct bench_same same = {
		.seed = s->seed,
		.scale_percent = s->scale_percent,
		.time_ns = s->time_ns,
		.refs = b->refs,
		.nrefs = b->nrefs,
	};
	int code = bench_file_check(&b->file, &same);

	if (code)
		return code;
	print_plan(b);
	runner_catch_interrupts();
	code = bench_session_run(&b->session);
	if (!code)
		code = bench_session_exit_code(&b->session);
	code = show_results(b, code);
	bench_session_release(&b->session);
	return code;
}

static int run_bench(struct bench_state *b)
{
	int code = open_subjects(b);

	if (!code)
		code = select_entries(&b->command, &b->offer, b->has_loop, &b->selection);
	if (code)
		return code;
	set_up_session(b);
	code = bench_file_open(&b->file, b->command.json, b->command.fresh, &b->text);
	if (code)
		return code;
	if (is_stdout(b->command.gbench))
		b->text = stderr;
	code = choose_subjects(b);
	b->session.nrefs = b->nrefs;
	if (!code)
		code = run_session(b);
	return bench_file_close(&b->file, code);
}

static int execute(struct bench_state *b)
{
	struct bench_tools *t = &b->session.tools;
	int err, code;

	code = check_gbench(&b->command);
	if (code || b->command.table)
		return code ? code : show_file(&b->command);
	err = paths_own_dir(t->own_dir);
	if (err) {
		cli_complain("cannot read /proc/self/exe: %s", strerror(-err));
		return EXIT_BROKEN;
	}
	open_loop(b, t->own_dir);
	code = offer_read(kinds, t, &b->offer);
	if (!code && b->command.list)
		offer_print(&b->offer, stdout);
	else if (!code)
		code = run_bench(b);
	return code;
}

int cmd_bench(int argc, char **argv)
{
	struct bench_state *b = calloc(1, sizeof(*b));

	if (!b) {
		cli_complain("%s", strerror(ENOMEM));
		return EXIT_BROKEN;
	}
	b->command = bench_command_defaults();
	b->text = stdout;
	cli_parse(&bench_command_argp, argc, argv, 0, &b->command);
	int code = execute(b);

	subjects_free(b->subjects, b->nsubjects);
	free(b);
	return code;
}
