/*
 * run.h - the controller's side of a run: start the child, watch it, collect what it left.
 *
 * run_program starts a fresh child for one program on one allocator and returns when the child
 * is gone. It judges nothing beyond what only the controller can see (crash, hang, exit), which it
 * adds to the child's findings. A run that was interrupted is RUN_END_INTERRUPTED.
 *
 * Errors: 0 when the run took place, whatever its end; -errno when not even a child could be made.
 */
#ifndef EXEC_RUN_H
#define EXEC_RUN_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/exec/shared.h"
#include "harness/exec/stack.h"
#include "harness/prog/op.h"

struct run_request {
	const char *child;	      /* path of the allocrig-child executable */
	int program_fd;		      /* seekable, readable; stays the caller's */
	const struct prog_info *info; /* of that program */
	enum load_mode load;
	const char *plugin;  /* built-in name, or "" */
	const char *file;    /* real path of the .so; NULL for libc's own and LOAD_INSIDE */
	bool kernel;	     /* the kernel itself is judged: there is no allocator */
	uint32_t wrong_rule; /* enum pages_rule that the page model has wrong; 0: none */
	uint64_t seed;
	bool oracles, check_full, sampling;
	bool sampled_rounds; /* what is resident at the ends of rounds, for the growth oracle */
	/* The child waits for programs: see feed.h, which sets this and the next two. */
	bool fed, timed;
	bool no_stacks; /* of crashes, but where one may be the harness's own */
	uint32_t accounts;
	uint32_t without;  /* set of enum finding_kind that are not judged, whoever judges */
	uint64_t hang_ns;  /* watchdog: no progress for this long */
	uint64_t limit_ns; /* however busy: killed after so long, RUN_END_INTERRUPTED; 0: never */
	uint64_t oplog_capacity;
	bool watch, check_ledger; /* kernel calls are trapped, the ledger is kept and checked */
	bool has_ballast;
	uint64_t ballast;
	uint32_t stretch;		       /* loops run so many times as long; 0: as they are */
	uint32_t stretch_stmt, stretch_metric; /* the loop and the enum growth_metric it is for */
	uint32_t nfaults;
	const struct fault_rule *faults;
	/* Gets the tape's entries, in order, while the run goes on and at its end; NULL: no tape.
	 */
	void (*on_tape)(void *ctx, const struct tape_entry *entries, size_t n);
	void *tape_ctx;
};

enum run_end {
	RUN_END_NORMAL,	 /* the program ran to its end */
	RUN_END_CRASHED, /* signal, abort or exit; a finding says which */
	RUN_END_HUNG,
	RUN_END_REFUSED,     /* the child refused to run; shared->refusal */
	RUN_END_INTERRUPTED, /* run_interrupted was raised; the child was killed */
	RUN_END_BROKEN	     /* the child failed by itself; `broken` says how */
};

#define RUN_OUTPUT_MAX 16384
#define RUN_STACKS     8

/* Where a process of the run stood when it crashed or hung. */
struct run_stack {
	uint8_t kind, rule; /* of the finding it belongs to */
	int32_t stmt;
	char whose[40];	    /* "" of the thread that the finding names; else "thread 1", ... */
	struct stack stack; /* nframes 0 when it could not be had */
};

struct run_result {
	enum run_end end;
	struct run_shared *shared; /* mapped; also holds the findings that the controller added */
	size_t shared_bytes;
	struct run_stack stacks[RUN_STACKS]; /* of the first crashes and hangs */
	uint32_t nstacks;
	char output[RUN_OUTPUT_MAX]; /* first bytes of what was printed to stdout and stderr */
	size_t output_len;
	char broken[160]; /* RUN_END_BROKEN */
	uint64_t wall_ns; /* from fork to the child's end */
	uint64_t cpu_ns;  /* of the child and its own children */
	uint64_t most_resident_bytes;
};

/* Raised by a signal handler to end the run early; checked often. */
extern volatile sig_atomic_t run_interrupted;

/*
 * Of n stacks of a run the i-th that belongs to a finding, or NULL: first that of the thread it
 * names, then those of others that stood still with it.
 */
const struct run_stack *run_stack_of(const struct run_stack *stacks, uint32_t n,
				     const struct finding *f, uint32_t i);

int run_program(const struct run_request *req, struct run_result *ret_result);
void run_result_release(struct run_result *r);

#endif
