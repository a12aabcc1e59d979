/*
 * fuzz_totals.h - what fuzzing counts: added up over targets (fuzz_job.h), restarts and sessions.
 */
#ifndef CLI_FUZZ_TOTALS_H
#define CLI_FUZZ_TOTALS_H

#include <jansson.h>
#include <stdint.h>

#include "harness/cli/fuzz_job.h"

struct fuzz_totals {
	/* Of the targets' pages. */
	uint64_t inputs, ops, children;
	uint64_t finding_inputs, known_inputs; /* inputs with findings; with known ones alone */
	uint64_t reported, unconfirmed, refused;
	uint64_t child_ns, confirming_ns;		    /* of all targets together */
	uint64_t edges, edges_seen, peak_maps, worst_milli; /* the highest of any target */
	/* The supervisor's own. */
	uint64_t fuzzed_ns; /* of the clock, while targets ran */
	uint64_t sessions;
	uint64_t restarts;	     /* of targets that ended before the time was over */
	uint64_t repeated;	     /* folders that told what is filed already */
	uint64_t features, coverage; /* libFuzzer's last words, the highest of any target */
};

/* Sums, and for what is a height the higher. */
void totals_add(struct fuzz_totals *t, const struct fuzz_totals *more);
void totals_add_page(struct fuzz_totals *t, const struct job_stats *page);

/* What a page in a file has; nothing where the target had not begun. */
void totals_add_file(struct fuzz_totals *t, const char *path);

/* Takes away what was counted before; heights stay. */
void totals_since(struct fuzz_totals *t, const struct fuzz_totals *before);

json_t *totals_json(const struct fuzz_totals *t);

/* What is not there or no number stays 0. */
void totals_of_json(const json_t *o, struct fuzz_totals *ret_totals);

#endif
