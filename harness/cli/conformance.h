/*
 * conformance.h - one rule on one allocator, and all of them as a table.
 *
 * A row is what one run of a rule's program said of one allocator:
 *
 *   pass         the sentence holds
 *   profile      as the profile says: the answer to an implementation-defined rule, or a finding
 *                that is known
 *   measured     the answer of an allocator whose profile says nothing of it: never a finding
 *   mismatch     not as the profile says (profile-mismatch)
 *   violation    a finding that nobody accepted
 *   absent       the allocator has none of the functions that the rule is about
 *   unsupported  cannot be measured here
 *   broken       the harness could not do its work
 */
#ifndef CLI_CONFORMANCE_H
#define CLI_CONFORMANCE_H

#include <jansson.h>
#include <stdio.h>

#include "harness/cli/rule.h"
#include "harness/cli/runner.h"

enum row_result {
	ROW_NOT_RUN,
	ROW_PASS,
	ROW_PROFILE,
	ROW_MEASURED,
	ROW_MISMATCH,
	ROW_VIOLATION,
	ROW_ABSENT,
	ROW_UNSUPPORTED,
	ROW_BROKEN,
	ROW_RESULTS
};

struct row {
	enum row_result result;
	struct answer_word answer; /* "" where the rule asks for none */
	const char *expected;	   /* by the profile, or NULL; lives as long as the subject */
	json_t *signatures;	   /* of all findings, known or not; NULL: not run */
};

/* A column of the table: all rules on one allocator. */
struct column {
	const struct subject *subject;
	struct row *row; /* as many as the book has rules */
};

struct conformance {
	const struct rulebook *book;
	struct column *column;
	size_t ncolumns;
};

/* Returns 0 or -ENOMEM. The subjects and the book stay the caller's. */
int conformance_init(struct conformance *c, const struct rulebook *book,
		     const struct subject *subjects, size_t n);
void conformance_release(struct conformance *c);

/*
 * Runs it, asks the profile, and fills the row. `folder` is the programs' for shown-by. `ret_run`
 * is released by the caller.
 */
void conformance_run(const struct subject *s, const struct rule *rule,
		     const struct runner_options *o, const char *folder,
		     struct outcome_of_run *ret_run, struct row *ret_row);

const char *row_result_name(enum row_result r);
unsigned column_count(const struct column *c, size_t nrules, enum row_result r);

/* What stands in the table for a row: "pass", "usable-4096", "-". */
const char *row_cell(const struct row *row);

/* The table, `width` characters wide at most, in parts where that is too few. */
void conformance_print(FILE *out, const struct conformance *c, int width);

/* How wide what people read may be: the terminal, or 100. */
int conformance_width(FILE *out);

/* allocrig.conformance/1. NULL when out of memory. */
json_t *conformance_json(const struct column *c, const struct rulebook *book);

/* Adds what a conformance run has beyond others: rule, answer, expected. */
void conformance_add_json(json_t *run, const struct rule *rule, const struct row *row);

#endif
