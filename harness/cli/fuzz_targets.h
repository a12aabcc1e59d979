/*
 * fuzz_targets.h - the fuzz targets of one session (fuzz_job.h): started, listened to, started
 * again when they end too early or stand still, and ended.
 *
 * Each is a process group of its own, which the kernel kills when the supervisor dies.
 */
#ifndef CLI_FUZZ_TARGETS_H
#define CLI_FUZZ_TARGETS_H

#include <poll.h>
#include <sys/types.h>

#include "harness/cli/fuzz_log.h"
#include "harness/cli/fuzz_store.h"

struct targets_plan {
	const char *target;    /* path of the executable */
	const char *allocator; /* as a target opens it: a built-in's name or a path */
	const char *other;     /* NULL: none */
	const char *load;
	unsigned jobs; /* 1 .. FUZZ_JOBS_MAX */
	uint64_t seed; /* each start of each target gets another one, made of it */
	uint64_t hang_ns;
	uint64_t stall_ns; /* without an input: it is started again */
	uint64_t end_ns;   /* of CLOCK_MONOTONIC */
	bool strict;
};

struct fuzz_target {
	pid_t pid;		    /* 0: not running */
	int pidfd, output, page_fd; /* -1: none */
	unsigned starts, barren;    /* barren: in a row that ended without one input */
	struct job_stats *page;
	uint64_t page_seen, seen_ns; /* of its progress, and when that last rose */
	uint64_t inputs_at_end;	     /* when the time was over */
	struct fuzz_log log;
};

struct fuzz_targets {
	const struct targets_plan *plan;
	struct fuzz_store *store;
	struct fuzz_target *target; /* plan->jobs of them */
	bool over;		    /* the time is, or somebody said so: none is started again */
	bool termed;		    /* all were sent SIGTERM */
	uint64_t term_ns,
		kill_ns;  /* when they get SIGTERM after the time, and SIGKILL after that */
	int code;	  /* an exit code where they are no use: it was told why */
	char reason[640]; /* then */
	uint64_t restarts, counted_inputs; /* of this session; inputs of those that ended */
};

/* Starts them all. An exit code; also after a failure ended by targets_release. */
int targets_start(struct fuzz_targets *t, struct fuzz_store *store,
		  const struct targets_plan *plan);

/* What to wait on: at most 2 * FUZZ_JOBS_MAX. */
nfds_t targets_fds(const struct fuzz_targets *t, struct pollfd *fds);

/* Reads what they say, restarts, ends those whose time is over; to be called again and again. */
void targets_tend(struct fuzz_targets *t);

bool targets_run(const struct fuzz_targets *t);

/* Asks all of them to end, at once; SIGKILL follows some seconds later by targets_tend. */
void targets_interrupt(struct fuzz_targets *t);

/* Adds what runs now, which the store does not have yet. */
void targets_add(const struct fuzz_targets *t, struct fuzz_totals *totals);

/* What libFuzzer says of the corpus: programs, of the target that knows the most. */
uint64_t targets_corpus(const struct fuzz_targets *t);

/* Kills what still runs. */
void targets_release(struct fuzz_targets *t);

#endif
