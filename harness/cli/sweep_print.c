#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/fault_rule.h"
#include "harness/cli/sweep.h"
#include "harness/prog/names.h"

static struct print_widths columns;

void sweep_print_header(FILE *out, const struct print_widths *w)
{
	columns = *w;
	print_widen(&columns, "PROGRAM", "ALLOCATOR");
	fprintf(out, "%-*s  %-*s  %-11s  %8s  %7s  %7s  %6s  %10s  %10s  %7s  %5s  %7s  %5s  %5s\n",
		columns.program, "PROGRAM", columns.allocator, "ALLOCATOR", "UNREFUSED", "CALLS",
		"REFUSED", "HANDLED", "LOST", "WORST LOSS", "ALL LOSSES", "CRASHED", "HUNG",
		"CONTENT", "OTHER", "KNOWN");
}

static void print_numbers(FILE *out, const struct sweep_row *row)
{
	const struct sweep_tally *t = &row->tally;

	fprintf(out,
		"  %8" PRIu64 "  %7" PRIu64 "  %7" PRIu64 "  %6" PRIu64 "  %10s  %10s  %7" PRIu64
		"  %5" PRIu64 "  %7" PRIu64 "  %5" PRIu64 "  %5" PRIu64,
		row->made, t->tried, t->handled, t->lost,
		t->lost ? print_size(t->lost_worst_bytes).s : "-",
		t->lost ? print_size(t->lost_total_bytes).s : "-", t->crashed, t->hung, t->content,
		t->other, t->known);
}

/* Calls that no run refused, and runs that say nothing. */
static void print_gaps(FILE *out, const struct sweep_row *row)
{
	const struct sweep_tally *t = &row->tally;

	if (!row->made)
		fprintf(out, "  it made no such call\n");
	if (row->interrupted)
		fprintf(out, "  interrupted: %" PRIu64 " of %" PRIu64 " runs were made\n", t->tried,
			row->tries);
	if (row->tries < row->made)
		fprintf(out,
			"  %" PRIu64 " of %" PRIu64 " calls were not refused: the %" PRIu64
			" refusals are spread evenly (--sweep-max)\n",
			row->made - row->tries, row->made, row->tries);
	if (t->not_met)
		fprintf(out, "  runs in which the call to be refused never came: %" PRIu64 "\n",
			t->not_met);
	if (t->unmet)
		fprintf(out,
			"  runs that did not get their memory and missed what the program expects: "
			"%" PRIu64 "\n",
			t->unmet);
	if (t->broken || t->unsupported)
		fprintf(out, "  runs broken: %" PRIu64 ", unsupported: %" PRIu64 " (%s)\n",
			t->broken, t->unsupported, t->reason);
}

static void print_wrong(FILE *out, const struct sweep_row *row, const struct sweep_wrong *w)
{
	const struct sweep_finding *f = &w->finding;
	struct fault_rule rule;
	char *command = sweep_command(row, w->first);

	sweep_rule(row->plan, w->first, &rule);
	fprintf(out, "  %s%s in %" PRIu64 " of %" PRIu64 " runs, first with %s\n",
		f->known ? "known " : "", f->signature, w->runs, row->tally.tried,
		fault_rule_words(&rule).s);
	fprintf(out, "    %s\n", f->message);
	if (command)
		fprintf(out, "    see: %s\n", command);
	free(command);
}

void sweep_print(FILE *out, const struct sweep_row *row)
{
	fprintf(out, "%-*s  %-*s  %-11s", columns.program, row->program->name, columns.allocator,
		row->subject->ref.name, outcome_name(row->outcome));
	if (row->reason[0]) {
		fprintf(out, "\n  not swept: %s\n", row->reason);
		fflush(out);
		return;
	}
	print_numbers(out, row);
	fputc('\n', out);
	print_without(out, row->options->without);
	print_gaps(out, row);
	for (size_t i = 0; i < row->tally.nwrong; i++)
		print_wrong(out, row, &row->tally.wrong[i]);
	fflush(out);
}
