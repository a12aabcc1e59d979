/*
 * sampler.h - accounts over the course of a run: checkpoints, peaks and what `expect` needs.
 *
 * Where the ledger is exact it has the maps and mapped bytes of every kernel call; what is resident
 * is known from samples alone, and so is everything where there is no ledger. Samples are taken at
 * statement ends. Each costs as much as the process has maps, so after a budget is used up they are
 * taken at growing distances, and whenever statm shows a new high; how many were left out is
 * counted. The choice depends on counts alone, never on the clock, so a program gives the same
 * samples each time.
 */
#ifndef EXEC_SAMPLER_H
#define EXEC_SAMPLER_H

#include "harness/base/arena.h"
#include "harness/exec/shared.h"
#include "harness/oracle/expect.h"

struct child;
struct sampler;

size_t sampler_arena_bytes(void);
int sampler_new(struct arena *a, struct child *c, struct sampler **ret_sampler);

/* What is resident now beyond the first checkpoint; -1 where checkpoints do not ask for that. */
int64_t sampler_rss_since_start(struct sampler *s);

/* A program begins: nothing was sampled yet. */
void sampler_begin(struct sampler *s);

/* Takes and records a named checkpoint with all parts, and feeds the peaks. Returns 0 or -errno. */
struct checkpoint_at {
	const char *name;
	int32_t stmt;
	uint64_t iteration;
	bool in_fork;
};
int sampler_checkpoint(struct sampler *s, const struct checkpoint_at *at);

/* The end of a statement in the main process. */
void sampler_statement(struct sampler *s);

/* The metric of an `expect` line, as a difference from the start. */
int sampler_measure(struct sampler *s, const struct op_expect *expect,
		    struct measured *ret_measured);

#endif
