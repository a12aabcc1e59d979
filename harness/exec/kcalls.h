/*
 * kcalls.h - every kernel call of the run passes here: those of the allocator, which the trap
 * delivers, and the mapping calls of the program's own.
 *
 * For each: the fault plan may refuse it, the kernel makes it, the ledger follows, oracles are fed,
 * it is counted and goes on the tape. Who comes later (expect, checkpoints, results) asks here what
 * is exact and what is not.
 */
#ifndef EXEC_KCALLS_H
#define EXEC_KCALLS_H

#include "harness/exec/child.h"

/* The enum kcall of a system call's number; -1: none. */
int kcall_of(uint32_t nr);

size_t kcalls_arena_bytes(const struct run_config *cfg);

/* Ledger and trap; before threads start. Returns 0, or -errno after a refusal. */
int kcalls_init(struct child *c, struct arena *a);

/* The fault plan and the oracles of one program. Returns 0, or -errno after a refusal. */
int kcalls_plan(struct child *c, struct arena *a);

/* Each program thread, and a fork child's, before its first op. Returns 0 or -errno. */
int kcalls_arm_thread(struct child *c);

/*
 * What the calling thread works with: calls that are trapped on it are this one's. Before the first
 * op of a thread, and around its lines of a parallel section.
 */
void kcalls_work_with(struct child *c);
struct child *kcalls_works_with(void);

/*
 * The last step before the first snapshot of a program: the ledger has what is there. It reads the
 * table of VMAs unless it has followed all that was mapped since it last did. Returns 0 or -errno.
 */
int kcalls_begin(struct child *c);

/* The harness itself changed VMAs of [start, end), and nothing but their number. */
int kcalls_follow(struct child *c, uintptr_t start, uintptr_t end);

/* A fork child goes on with a table of its own. Returns 0 or -errno. */
int kcalls_after_fork(struct child *c);

/*
 * Makes a call of the program's own for `slot`, and tells the page model of it. Returns 0 or an
 * errno; result in `call`.
 */
int kcalls_program(struct child *c, struct kernel_call *call, uint32_t slot);
/* The same of an mmap: `maps` says what it is of, and points to `call`. */
int kcalls_program_maps(struct child *c, struct kernel_call *call, uint32_t slot,
			const struct pages_call *maps);

/* Reads the table anew and notes what no call explains. Returns 0 or -errno. */
int kcalls_reconcile(struct child *c);

/*
 * What is refused and outstanding now, also piece by piece for lost_judge when it is to be judged.
 * Returns 0 or -errno; `measured` is 0 where kernel calls are not seen, `maps_known` where the VMAs
 * of what is outstanding are not.
 */
int kcalls_outstanding(struct child *c, bool judged, struct run_lost *ret_lost);

/* Compares the ledger with a fresh reading; the first difference is a harness error. */
void kcalls_check_ledger(struct child *c);

/* Whether a refusal, real or by plan, goes on for the rest of the program. */
bool kcalls_refusing(const struct child *c);

#endif
