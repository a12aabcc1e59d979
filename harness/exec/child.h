/*
 * child.h - the state of the process that runs a program, and the parts that work on it.
 *
 * One thread at a time has the baton (baton.h) and with it the right to everything in here. In a
 * parallel section each thread works with a struct child of its own (parallel.h), and what they
 * share is behind one lock (page_lock.h). The child calls libc for system calls alone: no
 * allocation, no stdio.
 */
#ifndef EXEC_CHILD_H
#define EXEC_CHILD_H

#include "allocators/allocator.h"
#include "harness/base/arena.h"
#include "harness/exec/baton.h"
#include "harness/exec/page_lock.h"
#include "harness/exec/shared.h"
#include "harness/kernel/accounts.h"
#include "harness/kernel/ballast.h"
#include "harness/kernel/fault.h"
#include "harness/kernel/ledger.h"
#include "harness/kernel/trap.h"
#include "harness/oracle/growth.h"
#include "harness/oracle/lost.h"
#include "harness/oracle/model.h"
#include "harness/oracle/pages.h"
#include "harness/prog/cursor.h"

struct block_slot {
	void *p;     /* NULL: empty */
	size_t size; /* as requested */
	size_t align;
	uint32_t by; /* enum op_code of the call that returned it */
};

struct map_slot {
	uintptr_t start; /* 0: empty */
	size_t len;	 /* bytes, whole pages */
	uint32_t file;	 /* map_files.h: what it maps, or mapped last; 0: none that is kept */
};

/* The text, and a map of it for the day when the allocator has closed the descriptor. */
struct program_file {
	int fd;
	const char *text;
	size_t len;
	bool copied; /* the descriptor was closed, and reads a copy of the text now */
};

/* Whether the descriptor reads the text (again). Returns 0 or -errno. */
int program_file_check(struct program_file *p);

struct child {
	struct child *main;	 /* of the process; itself, but in a parallel section */
	struct section *section; /* NULL: the program has none */
	struct lane *lane;	 /* its own in a section; NULL: threads take turns */
	struct program_thread *threads;
	struct run_shared *shared;
	struct program_file *program;
	struct arena *arena, *common;
	size_t arena_used, common_used; /* by what is not of one program alone */
	struct pages_options pages_options;
	struct position *pos; /* of this process */
	const struct allocator *alloc;
	struct cursor *cursor;
	const struct op *op; /* the next to run */
	struct model *model; /* NULL: oracles are off */
	struct pages *pages; /* NULL: oracles are off, or no slot is of a mapping */
	struct map_files *files;
	const int64_t *facts; /* by enum fact: what was found at the start */
	struct accounts *accounts;
	struct run_counts *counts; /* shared->counts; after the program nobody's */
	struct sampler *sampler;
	struct ledger *ledger; /* knows the program's mappings also where nothing is watched */
	struct lost *lost;     /* NULL: not judged */
	struct growth *growth; /* NULL: not judged */
	struct fault_plan_state *faults;
	struct ballast ballast;
	int64_t pages_beside; /* mapped beside what the ledger has; of kcalls.c */
	struct block_slot *b;
	struct map_slot *m;
	struct baton baton;
	uintptr_t headroom_pages; /* inaccessible pages for headroom_left() */
	size_t page_bytes;
	bool kernel;   /* the kernel itself is judged: memory that nobody excluded is fair game */
	bool unjudged; /* no oracles, op log or watch: calls are made and counted */
	bool allocator_called;
	bool trapping;	      /* kernel calls inside allocator calls are seen */
	bool again;	      /* after the program: its block ops are run once more */
	bool residency_wrong; /* a finding says so: what comes behind is off by as much */
	bool maps_rose;	      /* to a new peak, since the last op was over */
	bool round_refused;   /* a kernel call was refused in this round of a repeat */
	uint64_t run_began_ns;
	bool rss_rises;	      /* what is resident, in the loop that runs: above its first sample */
	int64_t first_rss;    /* that sample; -1: not taken yet */
	uint64_t round_ends;  /* of the cursor's rounds, when last looked */
	uint32_t refused;     /* kernel calls refused since the call on this slot began */
	uint32_t refused_set; /* of those that the format names: 1 << enum kcall */
	struct run_feedback *reached; /* NULL: nobody asks */
	uint64_t call_history;	      /* of reached.c: the last kernel calls of this program */
	bool passed_by;		      /* one of them was not seen */
	unsigned until_beat;	      /* slots until the next heartbeat */
	unsigned proc;		      /* index of this process in shared->pos */
	bool threads_ended;	      /* some are gone for good: no other program can run */
	bool ending;		      /* the thread that runs ops ends: its successor goes on */
	_Atomic uint64_t refusals;    /* of main: kernel calls refused in sections so far */
	uint64_t refusals_before;     /* of a lane: when its call began */
	_Atomic uint32_t forks;	      /* of main: fork children of sections now; a futex */
};

/* Around what threads share, in a parallel section; else nothing. The trap is off. */
static inline void shared_enter(const struct child *c)
{
	if (c->lane)
		page_lock_take(&c->shared->lock);
}

static inline void shared_leave(const struct child *c)
{
	if (c->lane)
		page_lock_drop(&c->shared->lock);
}

/* What is there once, whatever program runs. */
struct child_setup {
	struct run_shared *shared;
	const struct allocator *alloc;
	struct accounts *accounts;
	struct arena *arena;
	struct arena *common; /* shared with fork children; empty where none is needed */
	struct program_file *program;
};

/* Arena bytes for a run with this configuration, everything included. */
size_t child_arena_bytes(const struct run_config *cfg);
/* Of the arena that all processes of the run share; 0: none is needed. */
size_t child_common_bytes(const struct run_config *cfg);

/*
 * Builds what stays: threads, trap, ledger, accounts. Returns 0, or -errno after filling
 * shared->refusal.
 */
int child_init(struct child *c, const struct child_setup *setup);

/*
 * begin.c: builds what is of one program, as the configuration says, and clears the results of the
 * one before. Returns 0, or -errno after filling shared->refusal.
 */
int child_begin(struct child *c);

/* Runs the program to its end on the calling thread (thread 0), with all its accounts. */
void child_run(struct child *c);

/* Where the words say it all there is no errno beside them. */
int child_refuse(struct child *c, enum refusal why, int err);
int child_refuse_ballast(struct child *c, int err);

/* So many maps more of headroom, as far as there are fillers. Returns 0 or -errno. */
int child_lower_ballast(struct child *c, uint64_t maps);

/* begin.c: of a process whose programs are as this configuration says. */
size_t begin_arena_bytes(const struct run_config *cfg);
struct pages_options begin_pages_options(const struct run_config *cfg);

/* The next op of the program, or of its second pass; false at the end of both. */
bool child_advance(struct child *c);

/* interp.c: one op, all slots of its slice. */
void interp_execute(struct child *c, const struct op *op);

/*
 * Moves c->op to the next op. False at the end of the program, or when the text could not be read
 * any more (shared->harness_error).
 */
bool interp_advance(struct child *c);

/* rounds.c: a round of an outermost repeat has ended. */
void rounds_note(struct child *c);

/* One op on one slot. */
typedef void (*element_fn)(struct child *c, const struct op *op, uint32_t slot);

/*
 * The short way for a whole slice where nothing is judged, logged or expected: the call, the slot
 * and a count. block_op_run where there is no short way.
 */
element_fn block_op_unjudged(const struct child *c, const struct op *op);

/* block_ops.c, map_ops.c: one op on one slot. */
void block_op_run(struct child *c, const struct op *op, uint32_t slot);
void block_trim(struct child *c, const struct op *op);
void map_op_run(struct child *c, const struct op *op, uint32_t slot);

/* Whether the allocator's own file has the function that the op calls. */
bool block_op_present(const struct allocator *a, unsigned code);

/* fork_op.c: a whole fork block; returns in the parent alone. */
void fork_op_run(struct child *c, const struct op *op);

/*
 * fork_op.c: once, before any code of the allocator runs that may register atfork handlers. Returns
 * 0 or -errno.
 */
int fork_op_follow(void);

/* Around each call into the allocator. errno is what it was left at. */
static inline void allocator_enter(struct child *c)
{
	position_phase(c->pos, PHASE_CALL);
	c->refused = c->refused_set = 0;
	c->passed_by = false;
	if (c->lane)
		c->refusals_before = atomic_load(&c->main->refusals);
	if (c->trapping)
		trap_on();
}

/*
 * Around the call itself where calls are timed; else 0, and nothing. What else the machine does
 * meanwhile counts too.
 */
uint64_t timed_begin(const struct child *c);
void timed_end(struct child *c, uint64_t began_ns);

/* kcalls.c: a call that could not be trapped has been made: looks what it did. */
void kcalls_passed_by(struct child *c);

static inline void allocator_leave(struct child *c)
{
	trap_off();
	position_phase(c->pos, PHASE_HARNESS);
	if (c->trapping && trap_passed_by())
		kcalls_passed_by(c);
}

/* Around reading and writing blocks: an allocator may commit its memory in a SIGSEGV handler. */
static inline void touch_enter(struct child *c)
{
	position_phase(c->pos, PHASE_TOUCH);
	if (c->trapping)
		trap_on();
}

static inline void touch_leave(struct child *c)
{
	allocator_leave(c);
}

/* aftermath.c: what is left to do when the program has ended. */

/*
 * On the thread that ran the last op. Where something that was refused is outstanding, gives back
 * the headroom and everything that lives, purges, and returns true: the block ops are to be run
 * once more.
 */
bool aftermath_begin(struct child *c);

/* Whether the op is one of those. */
bool aftermath_runs(struct child *c, const struct op *op);

/* press.c: asks for memory as long as something is outstanding, and frees it. */
void aftermath_press(struct child *c);

/* After them, or when there was nothing to do: judges what is lost. */
void aftermath_end(struct child *c);

/*
 * In a child that stays: all of the program that is left is undone. What its blocks lead to when
 * they are freed is told like that of the aftermath. Returns false where this process is of no use
 * for another program.
 */
bool aftermath_undo(struct child *c);

static inline uintptr_t page_up(const struct child *c, uintptr_t n)
{
	return (n + c->page_bytes - 1) & ~(uintptr_t)(c->page_bytes - 1);
}

/* The event that the oracles get, with what is known before the call. */
struct call_event child_event(const struct child *c, const struct op *op, uint32_t slot);

/* Counts the outcome of one call and judges it where `->` says what is allowed. */
void child_outcome(struct child *c, const struct call_event *e, int err);

/* Tells the watchdog that something goes on. */
void child_beat(struct child *c);

/*
 * The maps are more than ever: what lives meanwhile is noted, now and when the op is over, as a
 * block that it returns is served with them.
 */
void child_maps_rose(struct child *c);

void child_log(struct child *c, const struct call_event *e, int err);

/* What a failed step of the harness's own is called in the result: the first one is kept. */
void child_failed(struct child *c, int err, const char *what);

/* Whether the map table has room for four more maps. Leaves the address space as it was. */
bool child_headroom_left(struct child *c);

#endif
