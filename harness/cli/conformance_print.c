/*
 * conformance_print.c - the table of rules and allocators.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/cli/conformance.h"
#include "harness/cli/run_options.h"

#define PLAIN_WIDTH 100

/* One part of the table: columns from `first` on that fit side by side. */
struct part {
	size_t first, end;
	int label, gap;
};

/* Counted below the table, where there are any. `pass` always is. */
static const struct {
	enum row_result result;
	const char *label, *meaning;
} counted[] = {
	{ROW_PASS, "pass", "the sentence holds"},
	{ROW_PROFILE, "profile",
	 "as the profile says: a known finding, or the answer to a rule that leaves a choice (the "
	 "cell has its word)"},
	{ROW_MEASURED, "measured", "such an answer where no profile says which is right"},
	{ROW_MISMATCH, "MISMATCH", "not as the profile says"},
	{ROW_VIOLATION, "VIOLATION", "against the sentence, and no profile accepts it"},
	{ROW_ABSENT, "- (absent)", "the allocator's file has none of the functions"},
	{ROW_UNSUPPORTED, "unsupported", "cannot be measured here"},
	{ROW_BROKEN, "broken", "the harness could not do its work"},
};

#define COUNTED (sizeof(counted) / sizeof(counted[0]))

static int widest(int width, const char *text)
{
	int len = (int)strlen(text);

	return len > width ? len : width;
}

static int label_width(const struct rulebook *book)
{
	int width = (int)strlen("unsupported");

	for (size_t i = 0; i < book->n; i++)
		width = widest(width, book->rule[i].program.name);
	return width;
}

static int column_width(const struct column *c, size_t nrules)
{
	int width = widest((int)strlen("9999"), c->subject->ref.name);

	for (size_t i = 0; i < nrules; i++)
		width = widest(width, row_cell(&c->row[i]));
	return width;
}

static struct part part_from(const struct conformance *c, size_t first, int gap, int width)
{
	struct part p = {.first = first, .end = first, .label = label_width(c->book), .gap = gap};
	int used = p.label;

	while (p.end < c->ncolumns) {
		used += gap + column_width(&c->column[p.end], c->book->n);
		if (used > width && p.end > first)
			break;
		p.end++;
	}
	return p;
}

/* Narrow gaps where that makes the part hold everything that is left. */
static struct part next_part(const struct conformance *c, size_t first, int width)
{
	struct part wide = part_from(c, first, 2, width), narrow = part_from(c, first, 1, width);

	return narrow.end > wide.end ? narrow : wide;
}

typedef const char *cell_text(const struct conformance *c, size_t column, size_t at);

/* Spaces stand between cells, never at the end of a line. */
static void print_cells(FILE *out, const struct conformance *c, const struct part *p,
			const char *label, cell_text *cell, size_t at)
{
	int pending = p->label - (int)strlen(label);

	fputs(label, out);
	for (size_t i = p->first; i < p->end; i++) {
		const char *text = cell(c, i, at);

		pending += p->gap;
		if (*text) {
			fprintf(out, "%*s%s", pending, "", text);
			pending = -(int)strlen(text);
		}
		pending += column_width(&c->column[i], c->book->n);
	}
	fputc('\n', out);
}

static const char *name_cell(const struct conformance *c, size_t column, size_t at)
{
	(void)at;
	return c->column[column].subject->ref.name;
}

static const char *rule_cell(const struct conformance *c, size_t column, size_t rule)
{
	return row_cell(&c->column[column].row[rule]);
}

static const char *count_cell(const struct conformance *c, size_t column, size_t which)
{
	static char text[16];
	unsigned n = column_count(&c->column[column], c->book->n, counted[which].result);

	snprintf(text, sizeof(text), "%u", n);
	return n || counted[which].result == ROW_PASS ? text : ".";
}

static unsigned count_all(const struct conformance *c, enum row_result r)
{
	unsigned n = 0;

	for (size_t i = 0; i < c->ncolumns; i++)
		n += column_count(&c->column[i], c->book->n, r);
	return n;
}

static bool is_shown(const struct conformance *c, size_t which)
{
	return counted[which].result == ROW_PASS || count_all(c, counted[which].result) != 0;
}

static void print_part(FILE *out, const struct conformance *c, const struct part *p)
{
	print_cells(out, c, p, "RULE", name_cell, 0);
	for (size_t i = 0; i < c->book->n; i++)
		print_cells(out, c, p, c->book->rule[i].program.name, rule_cell, i);
	fputc('\n', out);
	for (size_t i = 0; i < COUNTED; i++)
		if (is_shown(c, i))
			print_cells(out, c, p, counted[i].label, count_cell, i);
}

/* Words in lines of at most `width` characters, the later ones indented. */
static void print_wrapped(FILE *out, const char *label, const char *words, int width)
{
	int at = fprintf(out, "%-13s", label);

	while (*words) {
		int len = (int)strcspn(words, " ");

		if (at > 13 && at + 1 + len > width)
			at = fprintf(out, "\n%13s", "") - 1;
		at += fprintf(out, "%s%.*s", at > 13 ? " " : "", len, words);
		words += len + (words[len] == ' ');
	}
	fputc('\n', out);
}

void conformance_print(FILE *out, const struct conformance *c, int width)
{
	for (size_t first = 0; first < c->ncolumns;) {
		struct part p = next_part(c, first, width);

		fputc('\n', out);
		print_part(out, c, &p);
		first = p.end;
	}
	fputc('\n', out);
	for (size_t i = 0; i < COUNTED; i++)
		if (is_shown(c, i))
			print_wrapped(out, counted[i].label, counted[i].meaning, width);
}

int conformance_width(FILE *out)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t n;

	if (isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	if (columns && parse_number(columns, &n) == 0 && n >= 20 && n < 10000)
		return (int)n;
	return PLAIN_WIDTH;
}
