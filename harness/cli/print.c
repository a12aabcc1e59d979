#include "harness/cli/print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/kinds.h"
#include "harness/cli/left_behind.h"
#include "harness/prog/names.h"
#include "harness/prog/text.h"

static struct print_widths columns;

static void widen(int *width, const char *name)
{
	int len = name ? (int)strlen(name) : 0;

	if (len > *width)
		*width = len;
}

void print_widen(struct print_widths *w, const char *program, const char *allocator)
{
	widen(&w->program, program);
	widen(&w->allocator, allocator);
}

void print_run_header(FILE *out, const struct print_widths *w)
{
	columns = *w;
	widen(&columns.program, "PROGRAM");
	widen(&columns.allocator, "ALLOCATOR");
	fprintf(out, "%-*s  %-*s  %-11s  %9s  %9s  %10s  %10s  %10s  %9s  %10s  %7s\n",
		columns.program, "PROGRAM", columns.allocator, "ALLOCATOR", "OUTCOME", "PEAK MAPS",
		"LEFT MAPS", "MAPPED", "RESIDENT", "LAZYFREE", "UNMAP ERR", "LOST", "NULLS");
}

struct size_text print_size(int64_t bytes)
{
	struct size_text t;
	struct text text;

	text_init(&text, t.s, sizeof(t.s));
	if (bytes < 0)
		text_str(&text, "-");
	text_rounded_size(&text, bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes);
	return t;
}

static struct size_text size_since(int64_t now, int64_t start)
{
	if (now < 0 || start < 0)
		return (struct size_text){"-"};
	return print_size(now - start);
}

static const struct checkpoint_record *end_of(const struct run_shared *s)
{
	uint32_t n = atomic_load(&s->ncheckpoints);

	if (n == 0)
		return NULL;
	const struct checkpoint_record *last = &s->checkpoint[n - 1];

	return strcmp(last->name, "end") == 0 ? last : NULL;
}

/* "12+": at least so many. */
static struct size_text count_text(int64_t n, bool exact)
{
	struct size_text t;

	snprintf(t.s, sizeof(t.s), "%" PRId64 "%s", n, exact ? "" : "+");
	return t;
}

static void print_accounts(FILE *out, const struct outcome_of_run *r)
{
	const struct run_shared *s = r->result.shared;
	bool all_calls = s->watch.traps == WATCH_ON || !r->in.program->info.has_block_ops;
	const struct snapshot *start = &s->checkpoint[0].at;
	const struct checkpoint_record *end = end_of(s);

	fprintf(out, "  %9s", count_text(peak_maps(s), peak_is_exact(s)).s);
	if (end)
		fprintf(out, "  %9" PRId64 "  %10s  %10s  %10s", end->at.maps - start->maps,
			size_since(end->at.mapped_bytes, start->mapped_bytes).s,
			size_since(end->at.rss_bytes, start->rss_bytes).s,
			size_since(end->at.lazyfree_bytes, start->lazyfree_bytes).s);
	else
		fprintf(out, "  %9s  %10s  %10s  %10s", "-", "-", "-", "-");
	fprintf(out, "  %9s  %10s  %7" PRIu64,
		count_text((int64_t)s->counts.call[KCALL_MUNMAP].failed, all_calls).s,
		s->lost.measured ? print_size(s->lost.bytes).s : "-", s->counts.null_at_refusal);
}

void print_finding(FILE *out, const struct verdict_finding *f)
{
	fprintf(out, "  %s%s at op %d: %s\n", f->known ? "known " : "",
		finding_kind_name(f->finding->kind), f->finding->stmt, f->message);
	if (f->finding->count > 1)
		fprintf(out, "    seen %" PRIu64 " times\n", f->finding->count);
	fprintf(out, "    signature %s\n", f->signature);
	if (f->known)
		fprintf(out, "    known: %s (%s)\n", f->known->reason, f->known->link);
}

void print_without(FILE *out, uint32_t without)
{
	if (without)
		fprintf(out, "  not judged (--without): %s\n", kinds_words(without).s);
}

/* Few programs lock memory: a line for those that do, and no column for all. */
static void print_locked(FILE *out, const struct run_shared *s)
{
	const struct checkpoint_record *end = end_of(s);
	int64_t start = s->checkpoint[0].at.locked_bytes;

	if (end && start >= 0 && end->at.locked_bytes > start)
		fprintf(out, "  still locked at the end: %s\n",
			size_since(end->at.locked_bytes, start).s);
}

static struct size_text fact_text(unsigned fact, int64_t value)
{
	const char *word = fact_value_name(fact, value);
	struct size_text t;

	if (value == INT64_MAX)
		word = "without limit";
	else if (fact_is_bytes(fact))
		return print_size(value);
	if (word)
		snprintf(t.s, sizeof(t.s), "%s", word);
	else
		snprintf(t.s, sizeof(t.s), "%" PRId64, value);
	return t;
}

static void print_not_run(FILE *out, const struct run_shared *s)
{
	for (uint32_t i = 0; i < s->nnot_run; i++) {
		const struct not_run *n = &s->not_run[i];
		const struct op_fact *w = &n->wanted;

		fprintf(out, "  not run: when %s %s %s at op %u, line %u: it is %s here\n",
			fact_name(w->fact), relation_name(w->relation),
			fact_text(w->fact, w->value).s, n->stmt, n->line,
			fact_text(w->fact, n->found).s);
	}
}

void print_run(FILE *out, const struct outcome_of_run *r)
{
	const struct run_shared *s = r->result.shared;

	fprintf(out, "%-*s  %-*s  %-11s", columns.program, r->in.program->name, columns.allocator,
		r->in.allocator->name, outcome_name(r->verdict.outcome));
	if (s && atomic_load(&s->ncheckpoints) > 0)
		print_accounts(out, r);
	fputc('\n', out);
	if (r->verdict.reason[0])
		fprintf(out, "  %s\n", r->verdict.reason);
	else if (s && s->watch.reason[0])
		fprintf(out, "  + at least so many: %s\n", s->watch.reason);
	if (s)
		print_without(out, s->config.without);
	if (s)
		print_not_run(out, s);
	if (s)
		print_locked(out, s);
	for (unsigned i = 0; i < r->verdict.nfindings; i++)
		print_finding(out, &r->verdict.finding[i]);
	if (s && s->findings.dropped)
		fprintf(out, "  %u more findings not kept\n", s->findings.dropped);
	fflush(out);
}

void print_profile_note(FILE *out, const struct subject *s)
{
	if (s->profile_note[0])
		fprintf(out, "%s\n", s->profile_note);
}

void print_progress(const char *format, ...)
{
	va_list args;

	if (!isatty(STDERR_FILENO))
		return;
	fputs("\r\033[K", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fflush(stderr);
}

void print_progress_clear(void)
{
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

void print_shell_word(FILE *out, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "_./:@%+=,-";

	if (*word && word[strspn(word, plain)] == '\0') {
		fputs(word, out);
		return;
	}
	fputc('\'', out);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", out);
		else
			fputc(*word, out);
	}
	fputc('\'', out);
}
