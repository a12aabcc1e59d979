/*
 * sweep.h - allocrig run --sweep: refuses the kernel calls of an allocator one by one, each in a
 * run of its own, and sums up how it takes that.
 */
#ifndef CLI_SWEEP_H
#define CLI_SWEEP_H

#include "harness/cli/json_out.h"
#include "harness/cli/print.h"
#include "harness/cli/runner.h"
#include "harness/cli/sweep_plan.h"
#include "harness/cli/sweep_tally.h"

/* One program on one allocator. */
struct sweep_row {
	const struct program *program;
	const struct subject *subject;
	const struct runner_options *options;
	const struct sweep_plan *plan;
	enum outcome outcome;				    /* of the run without refusals */
	char reason[sizeof(((struct verdict *)0)->reason)]; /* why it was not swept; "": it was */
	bool interrupted;
	uint64_t made;	/* calls without refusals */
	uint64_t tries; /* runs that the plan has for that */
	unsigned jobs;	/* of them side by side */
	struct sweep_tally tally;
};

struct sweep {
	struct sweep_plan plan;
	unsigned jobs; /* runs side by side; 0: as many as there is room for */
	const struct runner_options *options;
	const struct program *programs;
	size_t nprograms;
	const struct subject *subjects;
	size_t nsubjects;
	struct json_out *json;
	const char *json_path; /* for complaints */
	FILE *text;	       /* where people read */
	struct outcome_tally *outcomes;
};

/* Runs it all, prints and writes. Returns an exit code. */
int sweep_execute(const struct sweep *s);

/* A row of the table, and below it what is wrong; columns as wide as print_widen made them. */
void sweep_print_header(FILE *out, const struct print_widths *w);
void sweep_print(FILE *out, const struct sweep_row *row);

/* allocrig.sweep/1; NULL when out of memory. */
json_t *sweep_json(const struct sweep_row *row);

/* What to type to see one refusal alone; free(). NULL when out of memory. */
char *sweep_command(const struct sweep_row *row, uint64_t nth);

#endif
