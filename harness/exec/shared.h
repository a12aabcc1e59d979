/*
 * shared.h - the page that controller and child share.
 *
 * The controller creates a memfd of sizeof(struct run_shared) bytes plus the op log, fills `config`
 * and starts the child with it on RUN_FD_SHARED. The child maps it MAP_SHARED and writes everything
 * it finds out there as plain data; whatever happens to the child, the controller reads it after.
 *
 * The controller may read at any time: words that it polls are _Atomic, arrays have a count that
 * is raised after the entry is complete.
 */
#ifndef EXEC_SHARED_H
#define EXEC_SHARED_H

#include <stdatomic.h>
#include <stdint.h>

#include "harness/exec/feedback.h"
#include "harness/kernel/accounts.h"
#include "harness/kernel/fault.h"
#include "harness/kernel/ledger.h"
#include "harness/oracle/finding.h"
#include "harness/oracle/growth.h"
#include "harness/prog/op.h"

#define RUN_ABI 1

/* Descriptors the child finds open at its start, beside 0 (/dev/null), 1 and 2 (a pipe). */
enum run_fd { RUN_FD_SHARED = 3, RUN_FD_PROGRAM = 4, RUN_FD_NOTIFY = 5 };

enum load_mode {
	LOAD_PRELOAD, /* exec'd with LD_PRELOAD; the plain symbols are called */
	LOAD_DLOPEN,  /* dlopen and dlsym in the child */
	LOAD_INSIDE   /* a vtable that is part of the child (void) */
};

struct run_config {
	uint32_t abi, load;
	char plugin[32]; /* built-in name; "" for a file by path: recognised by its symbols */
	char file[4096]; /* dlopen: what to open; "" where libc's own is meant */
	uint64_t seed;
	uint32_t kernel;     /* the kernel itself is judged: there is no allocator */
	uint32_t wrong_rule; /* enum pages_rule that the page model has wrong; 0: none */
	uint32_t oracles;    /* 0: none, calls only */
	uint32_t without;    /* set of enum finding_kind that are not judged */
	uint32_t check_full;
	uint32_t sampling;	 /* accounts at statement ends */
	uint32_t sampled_rounds; /* what is resident at the ends of rounds */
	uint32_t fed;		 /* programs are handed over one by one (struct run_feed) */
	uint32_t timed;		 /* each allocator call is timed */
	uint32_t accounts; /* mask of enum snapshot_parts: of checkpoints, where no ledger has them
			    */
	uint32_t limited;  /* RLIMIT_AS, RLIMIT_DATA or strict overcommit: NULL needs no other cause
			    */
	uint32_t block_slots, map_slots, threads;
	uint32_t parallel;     /* the program has parallel sections */
	uint32_t exits;	       /* its threads end while it runs */
	uint32_t forks_beside; /* in sections, so many children at a time: theirs have places too */
	uint32_t watch;	       /* kernel calls are trapped, the ledger is kept */
	uint32_t check_ledger; /* after every op it is compared with a fresh reading */
	uint32_t has_ballast;
	uint32_t stretch; /* loops of the program's own process run this many times as long; 0: as
			     they are */
	uint32_t stretch_stmt, stretch_metric; /* the loop and enum growth_metric that it is for */
	uint64_t ballast;		       /* map counts of headroom at the first op */
	uint32_t nfaults;
	uint32_t keeps_files; /* the files of mappings stay open: other ops come back to them */
	struct fault_rule faults[FAULT_RULES];
	uint32_t facts; /* set of enum fact that the program asks for */
	uint32_t nneeds;
	struct op_fact needs[PROG_MAX_NEEDS];
	uint64_t oplog_capacity; /* entries behind struct run_shared */
	uint64_t tape_capacity;	 /* entries behind the op log; 0: no tape is kept */
};

enum run_state {
	RUN_STARTING, /* the dynamic linker is at work */
	RUN_LOADING,  /* images are bound; constructors and the harness's set-up run */
	RUN_REFUSED,  /* refused to run: `refusal` says why */
	RUN_RUNNING,  /* the first op may have begun */
	RUN_ENDED     /* ran to its end, all accounts and oracles done */
};

enum refusal {
	REFUSAL_NONE,
	REFUSAL_LINKER,	    /* the dynamic linker gave up; what it said is in the output */
	REFUSAL_NO_MALLOC,  /* no malloc or no free in the allocator's own file */
	REFUSAL_DLOPEN,	    /* text: what dlopen said */
	REFUSAL_PLUGIN,	    /* plug-in of another ABI */
	REFUSAL_ARENA,	    /* err: errno */
	REFUSAL_ACCOUNTS,   /* err: errno; text: which file */
	REFUSAL_THREADS,    /* err: errno */
	REFUSAL_PROGRAM,    /* text: the program could not be read */
	REFUSAL_BALLAST,    /* err: errno; text: why it cannot be had */
	REFUSAL_UNSUPPORTED /* text: what */
};

/* The object that serves a symbol. */
struct served_object {
	char path[512]; /* dli_fname */
	uint64_t base;
	uint8_t build_id[32];
	uint32_t build_id_len; /* 0: has none */
	uint32_t unused;
};

enum symbol_id {
#define FAMILY(member, symbol) SYMBOL_##member,
#define VENDOR(member, symbol) SYMBOL_##member,
#include "allocators/symbols.def"
#undef FAMILY
#undef VENDOR
	SYMBOL_COUNT
};

#define SERVED_OBJECTS 8

struct served {
	uint32_t nobjects;
	uint32_t own; /* index of the object that serves malloc */
	struct served_object object[SERVED_OBJECTS];
	int8_t by[SYMBOL_COUNT]; /* object index; -1: exported by nobody */
	char version[128];	 /* the allocator's own word, or "" */
};

/*
 * Programs for a child that stays (feed.h). The text is behind RUN_FD_PROGRAM, the configuration
 * is the program's. `given` counts what the controller has handed over, `taken` what the child has
 * begun with, `done` what it is through with; state, findings and all are of that one. Number 1 is
 * no program but the child's own start, with a configuration that is as wide as any program's.
 */
struct run_feed {
	_Atomic uint32_t given; /* a futex */
	_Atomic uint32_t taken;
	_Atomic uint32_t done; /* a futex: also woken when a process of the run crashes */
	uint32_t spent;	       /* not all of the program could be undone: the child ends */
	uint64_t text_bytes;
	/* What the allocator keeps when all of the program is undone: differences from its start.
	 */
	int64_t kept_maps, kept_mapped_bytes, kept_rss_bytes;
};

#define RUN_FEED_TEXT_BYTES (1ul << 20) /* the longest program that is handed over */

/* Places on the page. Index 0: the child; the others are of its fork children, and of theirs. */
#define RUN_PROCS 64

/* What a process is doing; a signal in PHASE_HARNESS is the harness's own failure. */
enum phase {
	PHASE_HARNESS,
	PHASE_CALL, /* inside an allocator call, fork, or a mapping call */
	PHASE_TOUCH /* reading or writing a block or a mapping */
};

struct position {
	_Atomic uint64_t heartbeat; /* rises with every op and while the harness works */
	_Atomic int32_t pid;	    /* 0: not there */
	_Atomic uint32_t killed;    /* by the controller, which has recorded why */
	_Atomic uint32_t finished;  /* a fork child that came to the end of its block */
	_Atomic uint32_t may_run;   /* a fork child whose parent has left fork(); a futex */
	/* Of a fork child that is or is about to be here: the index of its parent, + 1. */
	_Atomic uint32_t taken;
	uint32_t serial; /* of a fork child: no other process of the run has this number */
	/* Of a fork child: a thread that was inside an allocator call when it was made, + 1. */
	uint32_t beside, beside_op;
	int32_t beside_stmt;
	_Atomic uint64_t trap_ip; /* inside a trapped kernel call: where the allocator made it */
	/* Other threads look at these three too: who is in an allocator call while one forks. */
	_Atomic uint32_t phase; /* enum phase */
	_Atomic int32_t stmt;	/* -1: before the first op */
	_Atomic uint32_t op_code;
	uint32_t thread;
	uint32_t slot, has_slot; /* enum op_space */
	uint64_t iteration;
};

/* On the way of every call: as cheap as a plain store. */
static inline void position_phase(struct position *p, enum phase phase)
{
	atomic_store_explicit(&p->phase, phase, memory_order_relaxed);
}

static inline void position_op(struct position *p, int32_t stmt, uint32_t op_code)
{
	atomic_store_explicit(&p->stmt, stmt, memory_order_relaxed);
	atomic_store_explicit(&p->op_code, op_code, memory_order_relaxed);
}

struct crash_record {
	_Atomic uint32_t filled;
	int32_t tid;
	int32_t signal, code;
	uint32_t lane;	  /* the thread + 1 whose position it is, in a parallel section; 0: pos[] */
	uint64_t address; /* si_addr */
	uint64_t ip, sp, bp;
};

struct checkpoint_record {
	char name[PROG_NAME_MAX + 1];
	int32_t stmt; /* -1 for start; the number of statements for end */
	uint32_t in_fork;
	uint64_t iteration;
	struct snapshot at; /* absolute */
	/* Of `at`, the allocator's: absolute; -1 where the ledger is not exact. */
	int64_t allocator_maps, allocator_mapped_bytes, allocator_rss_bytes;
};

#define CHECKPOINT_MAX 1024

enum unmeasured {
	UNMEASURED_EXPECT_CALLS = 1, /* an expect on kernel calls that only a tape could decide */
	UNMEASURED_EXPECT_LOST = 2,  /* an expect on *.lost */
	UNMEASURED_RSS = 4,	     /* an expect on rss, no way to measure */
	UNMEASURED_EXTENTS = 8,	     /* touched parts that were too many to be judged */
	UNMEASURED_EXPECT_PEAK = 16, /* an expect on *.peak, of which samples alone are known */
	UNMEASURED_EXPECT_PROC = 32  /* an expect on what this kernel's /proc does not say */
};

#define OTHER_CALLS 512

struct run_counts {
	uint64_t executed, skipped, failed;
	uint64_t absent[OP_CODES]; /* skipped because the allocator has no such function */
	uint64_t null_at_refusal;  /* allocating calls that returned NULL, excused by a refusal */
	struct {
		uint64_t made, failed, injected; /* failed includes injected */
		uint64_t by_allocator;		 /* of those made */
	} call[KCALL_COUNT];
	uint64_t other[CALLERS][OTHER_CALLS]; /* all other system calls, by number */
};

_Static_assert(sizeof(struct run_counts) % sizeof(uint64_t) == 0, "all are summed as uint64_t");

static inline void run_counts_add(struct run_counts *to, const struct run_counts *from)
{
	uint64_t *sum = (uint64_t *)to;
	const uint64_t *add = (const uint64_t *)from;

	for (size_t i = 0; i < sizeof(*to) / sizeof(*sum); i++)
		sum[i] += add[i];
}

struct run_peak {
	struct snapshot at; /* each member its own highest, absolute */
	uint64_t samples, samples_left_out;
};

struct oplog_entry {
	uint32_t stmt, slot;
	int32_t err; /* errno after a failed call, posix_memalign's result, else 0 */
	uint32_t op_code;
	uint64_t address; /* returned pointer or mapping */
	uint64_t usable;  /* as the allocator says; UINT64_MAX: not known */
};

/*
 * One kernel call on the tape. Entries are written by one thread at a time, in order, and read by
 * the controller while the run goes on; where it falls behind they are dropped and counted.
 */
struct tape_entry {
	int32_t stmt;
	uint32_t slot;
	uint64_t iteration;
	uint8_t op_code, thread, has_slot; /* enum op_space */
	uint8_t proc;			   /* index in run_shared.pos: 0, or a fork child */
	uint8_t again; /* made after the program, when its work is done once more */
	uint8_t unused[3];
	struct kernel_call call;
	int64_t maps,
		mapped_bytes; /* after it, as differences from the start; INT64_MIN: not known */
};

struct tape_ring {
	_Atomic uint64_t written; /* entries so far; the next goes to written % capacity */
	_Atomic uint64_t read;	  /* by the controller */
	_Atomic uint64_t dropped;
};

enum watch_state { WATCH_OFF, WATCH_ON, WATCH_UNSUPPORTED };

/* What is known of the kernel calls in this run. */
struct run_watch {
	uint32_t traps;	      /* enum watch_state: calls inside allocator calls are seen */
	uint32_t exact;	      /* the ledger is exact: peaks are of every call */
	uint64_t passed_by;   /* allocator calls in which a call was not seen (clone, fork, ...) */
	uint32_t own_threads; /* of the allocator: --check-ledger met mappings of theirs */
	uint32_t unused;
	char reason[128];		  /* why unsupported, or why the ledger is not exact */
	struct ledger_drift untracked;	  /* summed over all checkpoints; vmas 0: nothing */
	struct ledger_counts start, peak; /* absolute */
};

/* After the program: is what was refused back? */
struct run_lost {
	uint32_t measured;
	uint32_t again;	     /* the program's block ops were run once more */
	uint32_t maps_known; /* bytes are known without the ledger, maps are not */
	uint32_t unused;
	int64_t maps, mapped_bytes, rss_bytes;
	int64_t bytes; /* in one number: what is mapped, and of pages alone what is resident */
};

struct run_growth {
	uint32_t suspected;
	int32_t stmt; /* of the repeat */
	struct growth_line line;
};

/* A `when` block that was not entered. */
struct not_run {
	uint32_t stmt, line;
	struct op_fact wanted;
	int64_t found;
};

#define NOT_RUN_MAX 16

struct run_shared {
	struct run_config config;
	_Atomic uint32_t state; /* enum run_state */
	uint32_t refusal;	/* enum refusal */
	int32_t refusal_err;
	char refusal_text[512];
	struct served served;
	struct run_feed feed;
	struct position pos[RUN_PROCS];
	/* Of the child's threads in a parallel section; `taken`: it runs its lines. */
	struct position lane[PROG_MAX_THREADS];
	/* In a parallel section, around all that is written here (page_lock.h). */
	_Atomic uint32_t lock;
	struct crash_record crash[RUN_PROCS];
	_Atomic uint32_t forks;	    /* fork children so far */
	_Atomic uint32_t end_pages; /* pages of mappings that fork children read at their ends */
	uint32_t nnot_run;	    /* at most NOT_RUN_MAX, the first ones */
	struct not_run not_run[NOT_RUN_MAX];
	int32_t tid[PROG_MAX_THREADS]; /* of the program's threads; 0: not started */
	uint32_t rss_method;	       /* enum rss_method */
	uint32_t unmeasured;	       /* mask of enum unmeasured */
	int32_t unmeasured_stmt;       /* first expect that could not be decided; -1 */
	uint32_t harness_error;	       /* errno of harness work that failed in the run; 0 */
	char harness_text[192];	       /* what it was, in words, or "" */
	struct run_counts counts;
	struct run_peak peak;
	int64_t allocator_maps_at_start;
	_Atomic uint32_t ncheckpoints;
	uint32_t checkpoints_dropped;
	struct checkpoint_record checkpoint[CHECKPOINT_MAX]; /* [0] is "start" */
	struct finding_sink findings;
	struct run_watch watch;
	struct run_lost lost;
	struct run_growth growth;
	struct tape_ring tape;
	uint64_t live_blocks, live_bytes; /* at the end */
	/* The most at once, and what was live when the maps were at their peak; with oracles. */
	uint64_t live_peak_bytes, live_bytes_at_peak;
	uint64_t slowest_ns; /* of one allocator call, where they are timed */
	int32_t slowest_stmt;
	uint32_t unused;
	uint64_t run_ns;   /* first op to last op, CLOCK_MONOTONIC */
	uint64_t slept_ns; /* in the program's sleep ops */
	_Atomic uint64_t oplog_used;
	struct run_feedback reached; /* by the program that was handed over */
	struct oplog_entry oplog[];
};

/* Behind the op log. */
static inline struct tape_entry *run_tape(struct run_shared *s)
{
	return (struct tape_entry *)&s->oplog[s->config.oplog_capacity];
}

/*
 * Behind the tape, where the program has sections: what the lines of each thread have counted in
 * the one that is open. They are in `counts` when it closes, or else when the run is over.
 */
static inline struct run_counts *run_lane_counts(struct run_shared *s)
{
	return (struct run_counts *)&run_tape(s)[s->config.tape_capacity];
}

#endif
