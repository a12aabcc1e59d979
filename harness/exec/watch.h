/*
 * watch.h - watches one child from its start to its end, or while it has a program to run.
 *
 * Three descriptors and a timer: the child's end, what it prints, crashes that it announces, and
 * the watchdog that looks whether any of its processes made progress. What only the controller can
 * see it adds to the findings on the shared page.
 *
 * Errors: 0 or -errno.
 */
#ifndef EXEC_WATCH_H
#define EXEC_WATCH_H

#include "harness/exec/run.h"
#include "harness/exec/spawn.h"

struct watch {
	const struct run_request *req;
	struct run_result *result;
	struct run_config config; /* as it was given to the child */
	const struct tape_entry *tape;
	uint64_t tape_read;
	struct spawned child;
	uint64_t begin_ns, last_progress_ns, last_beat;
	uint64_t silent_since_ns;  /* the last heartbeat */
	uint64_t work;		   /* work_done() soon after it; unknown: not asked yet */
	uint64_t oom_kills_before; /* oom_kills() when the child was started */
	bool killed;		   /* by us; the end is known */
};

/* Starts a child; all of `w` but req and result is filled. */
int watch_start(struct watch *w, const struct run_request *req, struct run_result *result);

/* Waits until the child is through with what it was given, or about `ms`; whether it is. */
typedef bool (*watch_through)(const struct watch *w, int ms);

/* Returns true as soon as `through` does (NULL: never), or false when the child has ended. */
bool watch_wait(struct watch *w, watch_through through);

/* What was printed by now goes to result->output. */
void watch_drain_output(struct watch *w);

/* The child has ended, or is ended: result->end says how. The page is a sound copy from then on. */
void watch_end(struct watch *w);

#endif
