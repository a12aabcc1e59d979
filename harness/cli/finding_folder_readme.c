/*
 * README.md of a finding: what a person reads first.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/finding_folder_file.h"
#include "harness/cli/finding_folder_priv.h"
#include "harness/cli/print.h"
#include "harness/cli/shrink_work.h"

/* Programs of up to so many lines are shown whole. */
#define SHORT_LINES	40
#define DEFAULT_HANG_NS 10000000000u

static const char *load_word(enum load_mode load)
{
	return load == LOAD_DLOPEN    ? "by dlopen"
	       : load == LOAD_PRELOAD ? "preloaded"
				      : "as built in";
}

static void put_code(FILE *out, const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		const char *line = text + at, *end = memchr(line, '\n', len - at);
		size_t n = end ? (size_t)(end - line) : len - at;

		fprintf(out, "    %.*s\n", (int)n, line);
		at += n + 1;
	}
}

static size_t lines_in(const struct found_text *text)
{
	size_t n = 0;

	for (size_t i = 0; i < text->len; i++)
		n += text->text[i] == '\n';
	return n;
}

static void put_history(const struct folder *f, FILE *out)
{
	const struct found *found = &f->found;
	size_t lines = 0;

	if (!found->nhistory)
		return;
	fprintf(out,
		"\nIt shows only behind %" PRIu32 " other program%s in the same process: "
		"`history/`, in the order of their names.\n",
		found->nhistory, found->nhistory == 1 ? "" : "s");
	for (uint32_t i = 0; i < found->nhistory; i++)
		lines += lines_in(&found->history[i]) + 1;
	for (uint32_t i = 0; i < found->nhistory && lines <= SHORT_LINES; i++) {
		fputc('\n', out);
		put_code(out, found->history[i].text, found->history[i].len);
	}
}

static void put_called(const struct folder *f, const struct found_text *text, FILE *out)
{
	size_t lines = lines_in(text);

	fprintf(out, "## What was called\n\n");
	if (lines <= SHORT_LINES)
		put_code(out, text->text, text->len);
	else
		fprintf(out, "`program.prog`, %zu lines.\n", lines);
	put_history(f, out);
	fputc('\n', out);
}

static void put_rule(const struct folder *f, FILE *out)
{
	const struct folder_rule *r = folder_rule(f->found.kind, f->rule);

	fprintf(out, "## What came back\n\n%s\n\n", f->found.message);
	fprintf(out, "## Which rule says otherwise\n\n%s [%s]\n\n", r->sentence, r->source);
}

static void put_rate(FILE *out, const char *what, struct hunt_rate rate, enum load_mode load)
{
	if (rate.runs)
		fprintf(out, "- %s: in %u of %u runs, %s\n", what, rate.fired, rate.runs,
			load_word(load));
}

static void put_rates(const struct folder *f, FILE *out)
{
	const struct found *found = &f->found;
	enum load_mode load = found->load;

	if (!f->rate_found.runs && !f->rate.runs)
		return;
	fprintf(out, "## How often it shows\n\n");
	put_rate(out,
		 f->joined	   ? "the programs as one"
		 : found->nhistory ? "`found.prog` behind them"
				   : "`found.prog`",
		 f->rate_found, load);
	put_rate(out, "`program.prog`", f->rate, load);
	put_rate(out, "`program.prog`", f->rate_other, shrink_other_load(load));
	if (f->not_shown)
		fprintf(out, "\nSo it has not shown again since it was found, neither in a fresh "
			     "process nor behind the programs before it.\n");
	fputc('\n', out);
}

static void put_end(FILE *out, int status)
{
	if (status == -1)
		fprintf(out, "does not end");
	else if (status < -1)
		fprintf(out, "is ended by signal %d", -status - 1);
	else
		fprintf(out, "exits with %d", status);
}

static void put_proof(const struct folder *f, FILE *out)
{
	const struct folder_proof *p = &f->proof;

	if (!p->tried) {
		if (p->why_not[0])
			fprintf(out, "\n`repro.c` was not tried: %s.\n", p->why_not);
		return;
	}
	fprintf(out, "\n`repro.c` was compiled and run: under the allocator it ");
	put_end(out, p->exit_with);
	if (p->said[0])
		fprintf(out, " (\"%s\")", p->said);
	if (p->has_plain) {
		fprintf(out, ", on plain glibc it ");
		put_end(out, p->exit_plain);
		if (p->said_plain[0])
			fprintf(out, " (\"%s\")", p->said_plain);
	}
	fprintf(out, ".\n");
	if (!folder_proof_shows(p->exit_with))
		fprintf(out, "So it does not show this finding: that takes what only the harness "
			     "has (refusals at the call that matters, accounts of each kernel "
			     "call, chance among threads, programs before it). `allocrig run` "
			     "shows it.\n");
	else if (p->has_plain && folder_proof_shows(p->exit_plain))
		fprintf(out, "So plain glibc does not pass it either.\n");
}

static void put_commands(const struct folder *f, FILE *out)
{
	const struct found *found = &f->found;
	bool is_path = strchr(found->allocator, '/') != NULL;
	char absolute[PATH_MAX];
	const char *name = found->allocator;

	if (is_path && realpath(name, absolute))
		name = absolute;
	fprintf(out, "## See it\n\nIn this folder:\n\n    allocrig run ");
	if (found->nhistory)
		fprintf(out, "--one-child history/*.prog ");
	fprintf(out, "program.prog -a ");
	print_shell_word(out, name);
	if (found->load == LOAD_DLOPEN)
		fprintf(out, " --load=dlopen");
	if (found->hang_ns && found->hang_ns != DEFAULT_HANG_NS)
		fprintf(out, " --hang-after %" PRIu64 "ms", found->hang_ns / 1000000);
	fputc('\n', out);
	if (f->proof.tried || (!f->proof.why_not[0] && f->state != FOLDER_FOUND)) {
		fprintf(out, "    cc repro.c -o repro && ");
		if (f->library[0]) {
			fprintf(out, "LD_PRELOAD=");
			print_shell_word(out, f->library);
			fputc(' ', out);
		}
		fprintf(out, "./repro\n");
	}
	if (!found->nhistory) {
		fprintf(out, "    allocrig shrink %s -a ",
			f->joined ? "program.prog" : "found.prog");
		print_shell_word(out, name);
		if (found->load == LOAD_DLOPEN)
			fprintf(out, " --load=dlopen");
		fprintf(out, " --signature ");
		print_shell_word(out, found->signature);
		fputc('\n', out);
	}
	put_proof(f, out);
}

static void put_state(const struct folder *f, FILE *out)
{
	const struct found *found = &f->found;

	fprintf(out, "\n## How it was found\n\n");
	if (found->input)
		fprintf(out, "By input %" PRIu64 ", after %.1f s. ", found->input, found->seconds);
	switch (f->state) {
	case FOLDER_FOUND:
		fprintf(out, "Nothing is confirmed or shrunk yet: `program.prog` is the program as "
			     "it was found.\n");
		return;
	case FOLDER_CONFIRMED:
		fprintf(out, "It is confirmed, and being shrunk: not shrunk yet.\n");
		return;
	default:
		break;
	}
	if (f->not_shown) {
		fprintf(out, "`program.prog` is the program as it was found.\n");
		return;
	}
	if (f->joined)
		fprintf(out,
			"`found.prog` shows it behind other programs alone; `program.prog` began "
			"as %" PRIu32 " of them in a row, and a fresh process shows it.\n",
			f->joined);
	fprintf(out,
		"%s had %" PRIu64 " statements, `program.prog` %" PRIu64 " (%" PRIu64 " runs). ",
		f->joined ? "That" : "`found.prog`", f->statements_before, f->statements, f->runs);
	fprintf(out, f->state == FOLDER_SHRUNK ? "Nothing more can be taken from it.\n"
					       : "The time was up: more may go.\n");
}

static void put_all(const struct folder *f, const struct found_text *text, FILE *out)
{
	const struct found *found = &f->found;

	fprintf(out, "# %s: `%s`\n\n", finding_kind_name(found->kind), found->signature);
	fprintf(out, "On %s%s.\n\n", f->build[0] ? f->build : found->allocator,
		found->known ? ", whose profile knows it" : "");
	put_called(f, text, out);
	put_rule(f, out);
	put_rates(f, out);
	put_commands(f, out);
	put_state(f, out);
}

int folder_put_readme(const struct folder *f, const struct found_text *text)
{
	char *words = NULL;
	size_t len;
	FILE *out = open_memstream(&words, &len);

	if (!out)
		return -ENOMEM;
	put_all(f, text, out);
	int err = ferror(out) ? -ENOMEM : 0;

	if (fclose(out) != 0 && !err)
		err = -ENOMEM;
	if (!err)
		err = file_put(f->dir, "README.md", words, len);
	free(words);
	return err;
}
