/*
 * session.h - carries out a plan: each run that its file does not have yet, in order.
 */
#ifndef BENCH_SESSION_H
#define BENCH_SESSION_H

#include "bench/command/plan.h"
#include "bench/command/resume.h"

#define LOOP_NAME "loop" /* bench_key.allocator of the runs on the void allocator */

struct bench_session {
	struct bench_tools tools;
	uint64_t seed, scale_percent, time_ns;
	unsigned threads; /* 0: as each workload has it */
	const struct plan_entry *entries;
	uint32_t nentries;
	const struct allocator_ref *const *refs;
	uint32_t nrefs;
	const struct allocator_ref *loop; /* NULL: there is none */
	struct bench_file *file;
	bool (*interrupted)(void);
	void (*progress)(const char *line); /* what is run now; NULL: nobody asks */
	/* While it goes on. */
	size_t planned, present, made; /* runs: present are those that the file had */
	uint64_t began_ns;
	unsigned with_status[STATUS_BROKEN + 1]; /* of all but the loop's */
	struct machine_state *states;		 /* before and after each that was made; owned */
	size_t nstates;
};

/* The key of one run of the plan. */
struct bench_key bench_session_key(const struct bench_session *s, const struct plan_run *run);

/* Until all is done or interrupted. Complains; returns 0 or an exit code. */
int bench_session_run(struct bench_session *s);
void bench_session_release(struct bench_session *s);

/*
 * The exit code of results: broken before finding (crash, timeout, wrong output, out of memory)
 * before clean; unsupported where nothing else ran.
 */
int bench_session_exit_code(const struct bench_session *s);

#endif
