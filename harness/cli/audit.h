/*
 * audit.h - what `allocrig audit` was asked to do, and its two ways of doing it.
 */
#ifndef CLI_AUDIT_H
#define CLI_AUDIT_H

#include <limits.h>
#include <stdio.h>

#include "harness/cli/json_out.h"
#include "harness/cli/run_options.h"

struct audit {
	/* As parsed. */
	struct run_options options;
	const char *corpus; /* folder of .prog files; NULL: the one of this kind of audit */
	bool conformance;
	char **only; /* of the conformance rules: names or numbers; owned */
	size_t nonly;
	/* While it is done. */
	char self[PATH_MAX]; /* how to call this program again */
	struct subject *subjects;
	size_t nsubjects;
	struct json_out json;
	struct outcome_tally tally;
	FILE *text; /* where people read */
};

/* Return an exit code. */
int audit_seeds(struct audit *a);
int audit_conformance(struct audit *a);

/* For both: opens the subjects and the outputs, and says what profiles are not used. */
int audit_begin(struct audit *a, const struct program *programs, size_t nprograms);

/* One line of JSON; takes the reference. */
int audit_write(struct audit *a, json_t *line);

/* A built-in whose file is missing: one line, and counted as unsupported. */
void audit_not_here(struct audit *a, const struct subject *s);

/* " --profile FILE" where one was given, for what to type; never released. */
const char *audit_profile_words(const struct audit *a);

#endif
