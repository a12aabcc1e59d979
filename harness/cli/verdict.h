/*
 * verdict.h - what one run means: its findings against the profile, and its outcome.
 */
#ifndef CLI_VERDICT_H
#define CLI_VERDICT_H

#include <stdbool.h>

#include "allocators/profile.h"
#include "allocators/provenance.h"
#include "harness/cli/program.h"
#include "harness/exec/run.h"

enum outcome { OUTCOME_CLEAN, OUTCOME_FINDING, OUTCOME_BROKEN, OUTCOME_UNSUPPORTED };

struct verdict_finding {
	const struct finding *finding; /* the caller's, or in the run's shared page */
	const struct known *known;     /* NULL: not known to the profile */
	char signature[256];
	char message[1536];
};

struct verdict {
	enum outcome outcome;
	char reason[768]; /* one line: why broken or unsupported; else "" */
	unsigned nfindings, nknown;
	struct verdict_finding finding[FINDING_MAX];
};

/* What the end of a process left beside its findings. */
struct verdict_traces {
	const struct run_stack *stacks;
	uint32_t nstacks;
	const char *output;
	size_t output_len;
};

/* One finding in words, wherever it was found: a run of its own, or a child that is fed. */
void verdict_describe(const struct verdict_traces *traces, const struct profile *profile,
		      const struct finding *f, struct verdict_finding *ret);

struct verdict_input {
	const struct run_result *result;
	const struct allocator_ref *allocator;
	const struct program *program;
	const struct profile *profile; /* NULL: none */
	bool strict;		       /* known findings count */
};

void verdict_judge(const struct verdict_input *in, struct verdict *ret_verdict);

/*
 * One more finding, of the controller's own, with its words. Only for a run that took place: clean
 * or with findings. The profile may know it, as any other.
 */
void verdict_add(const struct verdict_input *in, struct verdict *v, const struct finding *f,
		 const char *signature, const char *message);

/* Why kernel calls of the allocator were not seen, or not all of them, or maps not counted. */
const char *verdict_unwatched(const struct run_shared *s);

const char *outcome_name(enum outcome o);

/* The exit code of several outcomes: the gravest. Fed one by one. */
struct outcome_tally {
	unsigned of[4];
};
void outcome_count(struct outcome_tally *t, enum outcome o);
int outcome_exit_code(const struct outcome_tally *t);

#endif
