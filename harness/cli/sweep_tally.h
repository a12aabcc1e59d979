/*
 * sweep_tally.h - what the runs of a sweep over one (program, allocator) come to.
 *
 * A finding counts against a refusal when the run without refusals has none of that signature. A
 * run can count under several heads: one that lost memory and then crashed is lost and crashed.
 * Known findings (profile) stand apart. Where a block op got null because of the refusal, what the
 * program expects (`expect`, `->`) was written for a run that gets its memory: not met there, it is
 * counted and held against nobody. What is left, a run that came to its end with nothing new,
 * handled its refusal.
 */
#ifndef CLI_SWEEP_TALLY_H
#define CLI_SWEEP_TALLY_H

#include "harness/cli/runner.h"

struct sweep_finding {
	char signature[sizeof(((struct verdict_finding *)0)->signature)];
	char message[sizeof(((struct verdict_finding *)0)->message)];
	uint8_t kind; /* enum finding_kind */
	bool known;
};

/* One run, as data that can go through a pipe. */
struct sweep_report {
	enum outcome outcome; /* without what is left out */
	bool interrupted;
	uint64_t injected;  /* calls that were refused */
	uint64_t unmet;	    /* findings left out: what is expected of a run that gets its memory */
	int64_t lost_bytes; /* 0 where it was not measured */
	char reason[sizeof(((struct verdict *)0)->reason)];
	uint32_t nfindings;
	struct sweep_finding finding[FINDING_MAX];
};

void sweep_report_of(const struct outcome_of_run *r, struct sweep_report *ret_report);

/* Bytes of a report up to its last finding. */
size_t sweep_report_bytes(const struct sweep_report *r);

/* One thing that is wrong, and the first refusal that shows it. */
struct sweep_wrong {
	struct sweep_finding finding;
	uint64_t first; /* nth */
	uint64_t runs;
};

struct sweep_tally {
	uint64_t tried;	  /* runs that took place */
	uint64_t not_met; /* in which the call never came */
	uint64_t unmet;	  /* which missed what is expected, without their memory */
	uint64_t handled, lost, crashed, hung, content, other, known, broken, unsupported;
	int64_t lost_worst_bytes, lost_total_bytes;	    /* of the runs in `lost` */
	char reason[sizeof(((struct verdict *)0)->reason)]; /* of the first broken or unsupported */
	uint32_t nbefore;				    /* signatures without refusals */
	char (*before)[sizeof(((struct verdict_finding *)0)->signature)];
	size_t nwrong;
	struct sweep_wrong *wrong; /* in the order in which they were found */
};

/* The run without refusals. 0 or -ENOMEM. */
int sweep_tally_init(struct sweep_tally *t, const struct sweep_report *before);
void sweep_tally_release(struct sweep_tally *t);

/* The run that refused call `nth`; ascending. 0 or -ENOMEM. */
int sweep_tally_add(struct sweep_tally *t, uint64_t nth, const struct sweep_report *r);

#endif
