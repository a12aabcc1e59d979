/*
 * scorecard.h - what an audit says of one allocator, gathered from the runs of the seed programs.
 *
 * Bytes left are resident bytes without LazyFree pages (which the kernel takes back whenever it
 * needs them), as a difference from the start of the run. -1: not measured.
 */
#ifndef CLI_SCORECARD_H
#define CLI_SCORECARD_H

#include <jansson.h>
#include <stdio.h>

#include "harness/cli/left_behind.h"
#include "harness/cli/runner.h"

struct scorecard {
	const struct allocator_ref *allocator;
	unsigned runs, broken, unsupported;
	uint32_t without;			/* set of enum finding_kind that was not judged */
	unsigned findings, known;		/* findings counts the known ones too */
	int64_t peak_maps;			/* of `drain` */
	struct left_behind freed, purged, idle; /* of `drain` */
	int64_t limit_full_bytes;  /* of `map-limit-full`, a second after free and purge */
	int64_t limit_after_bytes; /* of `limit-after`, less the same away from the limit */
	int64_t control_bytes;	   /* of `limit-after-control` */
	char at_limit[48]; /* what malloc does when the map table is full: "null (8000)", "abort" */
};

void scorecard_init(struct scorecard *c, const struct allocator_ref *allocator);

/* Takes in one run of a seed program. */
void scorecard_add(struct scorecard *c, const struct outcome_of_run *r);

void scorecard_print(FILE *out, const struct scorecard *cards, size_t n);
json_t *scorecard_json(const struct scorecard *c);

#endif
