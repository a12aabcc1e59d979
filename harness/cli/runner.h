/*
 * runner.h - one program on one allocator, from the options of a command to a verdict.
 */
#ifndef CLI_RUNNER_H
#define CLI_RUNNER_H

#include "harness/cli/verdict.h"

struct runner_options {
	enum load_mode load;
	bool oracles, check_full, strict;
	uint32_t without;    /* set of enum finding_kind that are not judged */
	uint32_t wrong_rule; /* enum pages_rule; 0: none */
	bool sampling;	     /* peaks at statement ends; only with oracles */
	bool sampled_rounds; /* what is resident at the ends of rounds, without all that too */
	uint64_t seed;
	uint64_t hang_ns;
	uint64_t limit_ns; /* a run is interrupted after so long; 0: never */
	uint64_t oplog_capacity;
	bool watch;	     /* kernel calls are seen where anything judges or asks for them */
	bool check_ledger;   /* after every op the ledger is compared with a fresh reading; slow */
	bool confirm_growth; /* what seems to grow is run again, for longer */
	bool has_ballast;    /* instead of the program's own */
	uint64_t ballast;
	const char *profile; /* a file instead of the allocator's own; NULL: none */
	uint32_t nfaults;    /* beside the program's own */
	struct fault_rule faults[FAULT_RULES];
	/* Gets the kernel calls while the run goes on (run_request); NULL: nobody. */
	void (*on_tape)(void *ctx, const struct tape_entry *entries, size_t n);
	void *tape_ctx;
};

struct runner_options runner_defaults(void);

/* An allocator with its profile, ready to be run. */
struct subject {
	struct allocator_ref ref;
	struct profile profile;
	bool has_profile;	/* and it is for this version */
	char profile_note[640]; /* what people must know of it: "" or one line */
};

/*
 * Resolves -a ARG. On failure prints one line and returns the exit code; 0 on success (also for
 * a built-in whose file is missing: running it is `unsupported`).
 */
int subject_open(const char *arg, const struct runner_options *o, struct subject *ret_subject);
void subject_release(struct subject *s);

/* Whether it is the kernel: programs of mapping ops alone, nothing that needs blocks. */
bool subject_is_kernel(const struct subject *s);

/* Says in one line what to type instead of `command`. Returns the exit code. */
int kernel_has_no_blocks(const char *command);

/*
 * The profile of a resolved allocator: the file `given`; without one that of a built-in, or
 * FILE.so.profile beside a file. Returns 0 or -errno with one line in err.
 */
int subject_open_profile(struct subject *s, const char *given, char *err, size_t err_size);

/*
 * All -a arguments. Two that mean the same allocator are refused; two files with the same base
 * name are told apart by their paths. Returns an exit code.
 */
int subjects_open(char *const *args, size_t n, const struct runner_options *o,
		  struct subject **ret_subjects);
void subjects_free(struct subject *s, size_t n);

/*
 * What a run of any program needs to know of allocator and options: `child`, the program, its
 * refusals and ballast, and `watch` are still to be filled. Strings stay the subject's.
 */
struct run_request runner_request(const struct subject *s, const struct runner_options *o);

struct outcome_of_run {
	struct verdict_input in; /* in.result is &result; in.result->shared may be NULL */
	struct run_result result;
	struct verdict verdict;
};

/*
 * Runs. Always fills `ret`; what could not even be started is `broken` or `unsupported` with a
 * reason and a result whose `shared` is NULL. Released by runner_release.
 */
void runner_run(const struct subject *s, const struct program *p, const struct runner_options *o,
		struct outcome_of_run *ret);
void runner_release(struct outcome_of_run *r);

/* Installs SIGINT and SIGTERM handlers that end the current run; true after one came. */
void runner_catch_interrupts(void);
bool runner_interrupted(void);

#endif
