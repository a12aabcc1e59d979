/*
 * fuzz_worker.h - confirms and shrinks filed findings, one after the other, in a process of its own
 * beside the fuzzing.
 *
 * The first time a finding gets a short while, so that one that takes long does not keep the others
 * from being looked at; each time more. A worker that dies is tried once more in a session; then
 * its folder stays as far as it got, and the next session goes on with it.
 */
#ifndef CLI_FUZZ_WORKER_H
#define CLI_FUZZ_WORKER_H

#include <sys/types.h>

#include "harness/cli/fuzz_filing.h"

#define WORKER_DEATHS 2
#define WORKER_ROUNDS 6 /* 15 s, 30 s, 1 min, ... */

struct worker_plan {
	const struct subject *subject;
	struct runner_options options;
	uint64_t deadline_ns; /* for shrinking, of CLOCK_MONOTONIC */
};

struct worker_step; /* shared with the worker: what it is at */

struct worker {
	const struct worker_plan *plan;
	struct filing *filing;
	struct worker_step *step;
	pid_t pid; /* 0: none is at work */
	int pidfd;
	size_t at;	      /* in the filing's list */
	uint64_t deadline_ns; /* of the one at work */
	uint64_t kill_ns;     /* SIGTERM was sent; then SIGKILL. 0: not */
};

/* 0 or -errno. */
int worker_init(struct worker *w, struct filing *f, const struct worker_plan *plan);

/*
 * Reaps a worker that ended; ends one that is long behind the deadline; starts the next unless the
 * deadline is over or `stop`.
 */
void worker_tend(struct worker *w, bool stop);

/* Asks the one at work to end; SIGKILL follows some seconds later by worker_tend. */
void worker_interrupt(struct worker *w);

/* Whether something is being done, or would be by the next worker_tend. */
bool worker_has_work(const struct worker *w);

/* Folders that are not shrunk to the end. */
size_t worker_left(const struct worker *w);

/* "shrinking NAME: what it is at"; "" when it is idle. */
struct worker_words {
	char s[256];
};
struct worker_words worker_says(const struct worker *w);

/* Kills what is at work. */
void worker_release(struct worker *w);

#endif
