/*
 * one_child.h - several programs in one child, one after the other, each judged as in a run of its
 * own. What a program meets there its past has left behind: a finding needs the programs before it.
 */
#ifndef CLI_ONE_CHILD_H
#define CLI_ONE_CHILD_H

#include "harness/cli/runner.h"
#include "harness/exec/feed.h"

/*
 * Told of program `i`. `fresh`: it was the first of its child, as the one before was the end of
 * that. Anything but 0 ends it.
 */
typedef int one_child_fn(void *ctx, uint32_t i, const struct feed_result *r,
			 const struct verdict *v);

/*
 * Options as for runner_run, but for the tape and confirm_growth. Returns 0, what `told` returned,
 * -EINTR, or -errno as feeder_run.
 */
struct one_child {
	const struct subject *subject;
	const struct runner_options *options;
	one_child_fn *told;
	void *ctx;
};
int one_child_run(const struct one_child *c, const struct feed_text *programs, uint32_t n);

#endif
