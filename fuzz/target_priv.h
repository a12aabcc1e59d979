/*
 * target_priv.h - inside of target*.c: a target's state, from its input to what is told.
 */
#ifndef FUZZ_TARGET_PRIV_H
#define FUZZ_TARGET_PRIV_H

#include "fuzz/climb.h"
#include "fuzz/difference.h"
#include "fuzz/proof.h"
#include "fuzz/sightings.h"
#include "fuzz/stats.h"
#include "fuzz/target.h"

/* An allocator, and what the last input did on it. */
struct side {
	struct feeding feeding;
	struct feed_result result;
	struct finding growth;
	struct verdict_finding finding[FINDING_MAX + 1];
	unsigned nfindings;
};

/* What a child has shown behind a long past: told with it when nothing shorter shows it in time. */
struct pending {
	char signature[256];
	struct past *past;
	struct side *side;
	uint64_t due_ns;
};

#define PENDING 8

struct target {
	enum target_kind kind;
	struct target_flags flags;
	struct side side[2]; /* the second where two are compared */
	unsigned nsides;
	struct input *input;
	struct climb climb;
	struct job_stats *stats;
	struct sightings sightings;
	struct pending pending[PENDING];
	unsigned npending;
	struct budget_account account;
	uint64_t begin_ns, inputs;
	unsigned broken; /* inputs in a row */
	struct input_text text;
	bool edges_seen[FEEDBACK_EDGES];
	uint64_t sizes[FEEDBACK_ROUNDED];
};

/* Whether it is to be told: the profile does not know it, or nobody asks the profile. */
bool target_is_new(const struct target *t, const struct verdict_finding *f);

/* Confirms and tells what was seen and was not told before. */
void target_judge(struct target *t);

/* Tells what was still waiting for a better proof: the engine ends. */
void target_settle(struct target *t);

/*
 * As proof_find on one side: what is shown is told, once. A `note` stands before the message.
 * Without an inbox telling ends the target.
 */
bool target_prove(struct target *t, const struct side *s, const struct input_text *program,
		  const char *signature, const char *note);

/* For programs that must end the same on both sides: which ops may stand in them. */
uint64_t target_absent_ops(struct target *t);

/* Compares what both sides did, confirms a difference on fresh children of both, and tells it. */
void target_compare(struct target *t);

#endif
