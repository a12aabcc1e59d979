/*
 * feed.h - one child that runs many programs, handed over one by one through shared memory.
 *
 * For fuzzing: a hand-over costs microseconds where a child of its own costs milliseconds. The
 * child is started as run.h starts it, with all oracles and the ledger, and stays: threads, ballast
 * and the descriptors of the harness stand across programs. After each one everything of it is
 * undone: its mappings are unmapped, its files closed, its live blocks freed (judged; what that
 * leads to is told with finding.again set). What the allocator keeps is where the next one's
 * accounts begin. A child that crashed, hung or cannot undo all of a program is gone; the next
 * feeder_run starts another.
 *
 * A program meets what earlier ones have left behind, in the allocator and in the address space, so
 * no finding from here is a verdict. Whoever reports one first runs the program in a child of its
 * own (run_program), and if it does not show there, the programs before it too (feeder_history).
 * Growth is suspected and not judged. Where the kernel is judged, few of the pages that a program
 * did not write are read at its end. Accounts are not sampled at statement ends, but for a program
 * that expects something of a peak; after a refusal as much headroom comes back as the program had
 * used, twice.
 *
 * The child dies with the thread that started it. A feeder is one thread's at a time.
 *
 * Errors: 0 when the program ran, whatever its end; -EINVAL where the text is no program
 * (feed_result.error), -E2BIG where it is longer than RUN_FEED_TEXT_BYTES; other -errno when not
 * even a child could be made.
 */
#ifndef EXEC_FEED_H
#define EXEC_FEED_H

#include "harness/exec/feedback.h"
#include "harness/exec/run.h"
#include "harness/prog/parse.h"

struct feed_options {
	/*
	 * As for run_program: child, load, plugin, file, kernel, wrong_rule, seed, oracles,
	 * check_full, without, hang_ns, watch, check_ledger; faults stand behind those of each
	 * program, the ballast instead of theirs. Strings and faults stay the caller's, and there.
	 */
	struct run_request run;
	uint32_t threads;		 /* that the child has from its start; 0: 4 */
	uint32_t block_slots, map_slots; /* that it has room for; 0: 65536 */
	uint32_t history;		 /* programs that are kept; 0: 64 */
	bool resident; /* resident bytes at both ends of each program: costs a few microseconds */
	/*
	 * Each call of the allocator is timed. With oracles, with watching, or with faults that
	 * need it, feeder_new answers -EINVAL; a program with faults of its own is refused.
	 */
	bool timed;
	/* Crashes are told without their stacks, which cost more than another child does. */
	bool no_stacks;
	uint32_t outcomes; /* entries of the log of outcomes; 0: none is kept */
};

/* Differences from the start of the program. */
struct feed_accounts {
	int64_t maps, mapped_bytes, rss_bytes;
};

struct feed_result {
	enum run_end end;	      /* RUN_END_REFUSED: the program, or the child, was refused */
	bool fresh;		      /* it was the first program of its child */
	struct finding_sink findings; /* of this program */
	struct run_stack stacks[RUN_STACKS]; /* of crashes and hangs */
	uint32_t nstacks;
	char reason[512];	 /* RUN_END_REFUSED, RUN_END_BROKEN: why */
	enum refusal refusal;	 /* RUN_END_REFUSED */
	struct prog_error error; /* of -EINVAL */
	bool exact;		 /* maps and mapped bytes are known, of every kernel call */
	bool resident;		 /* rss_bytes are known (but that of the peak) */
	struct feed_accounts peak, end_at, kept; /* kept: when all of it was undone; after a crash,
						    or where it was not, nothing */
	struct run_lost lost;
	uint64_t executed, skipped, failed; /* ops */
	uint64_t null_at_refusal;
	uint64_t made[KCALL_COUNT], refused[KCALL_COUNT]; /* kernel calls */
	uint64_t unmeasured;				  /* mask of enum unmeasured */
	uint64_t run_ns;				  /* first op to last op */
	/*
	 * The most that was live at once, requested bytes of blocks (with oracles), and what was
	 * live when the maps were at their peak.
	 */
	uint64_t live_peak_bytes, live_bytes_at_peak;
	struct run_growth growth; /* a suspicion; only a run of its own can confirm it */
	uint64_t slowest_ns;	  /* of one call; 0: not timed */
	int32_t slowest_stmt;
	/* Of the child's page, as it is until the next feeder_run; `reached` is never NULL. */
	const struct run_feedback *reached;
	const struct oplog_entry *outcome;
	uint64_t noutcomes;	     /* at most feed_options.outcomes, the first ones */
	char output[RUN_OUTPUT_MAX]; /* what came until a child that is gone ended; else "" */
	size_t output_len;
};

struct feeder;

/* Starts nothing yet. Returns 0 or -errno. */
int feeder_new(const struct feed_options *o, struct feeder **ret_feeder);
void feeder_free(struct feeder *f);

/* feed_options.resident from the next program on. */
void feeder_set_resident(struct feeder *f, bool resident);

/* Runs one program. `ret` is filled as far as its end allows. */
int feeder_run(struct feeder *f, const char *text, size_t len, struct feed_result *ret);

/*
 * The programs that the child of the last feeder_run has been given, the last one first; also when
 * it is gone. False where there is none, or it is not kept. Valid until the next feeder_run.
 */
struct feed_text {
	const char *text;
	size_t len;
};
bool feeder_history(const struct feeder *f, uint64_t back, struct feed_text *ret_text);

/* Children so far, and programs that the last one was given. */
struct feed_counts {
	uint64_t children, programs;
};
struct feed_counts feeder_counts(const struct feeder *f);

/* The process id of the child, 0: there is none now. For tests. */
pid_t feeder_child(const struct feeder *f);

#endif
