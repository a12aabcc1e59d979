/*
 * sampler.h - accounts over the course of a run: checkpoints, peaks and what `expect` needs.
 *
 * Peaks are taken at statement ends. A sample reads the whole map table, so after a budget is used
 * up samples are taken at growing distances, and whenever statm shows a new high; how many were
 * left out is counted. The choice depends on counts alone, never on the clock, so a program gives
 * the same samples each time.
 */
#ifndef EXEC_SAMPLER_H
#define EXEC_SAMPLER_H

#include "harness/base/arena.h"
#include "harness/exec/shared.h"
#include "harness/oracle/expect.h"

struct sampler;

struct sampler_setup {
	struct run_shared *shared;
	struct accounts *accounts;
	bool block_calls_unseen; /* kernel calls inside allocator calls are not counted */
};

size_t sampler_arena_bytes(void);
int sampler_new(struct arena *a, const struct sampler_setup *setup, struct sampler **ret_sampler);

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

/* Whether an allocator call was made so far: kernel calls inside it were not seen. */
void sampler_note_block_call(struct sampler *s);

/* In a child of `fork`: its accounts no longer feed the peaks. */
void sampler_after_fork(struct sampler *s);

/* The metric of an `expect` line, as a difference from the start. */
int sampler_measure(struct sampler *s, const struct op_expect *expect,
		    struct measured *ret_measured);

#endif
