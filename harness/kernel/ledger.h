/*
 * ledger.h - the address space of the run as intervals, kept exact call by call.
 *
 * Two things are kept: the VMAs of the process as the kernel has them (bounds, protection, shared
 * or private), and who owns which addresses: the program, by slot, and the allocator. What the
 * accounts exclude (harness, ballast, images, stacks) is nobody's; all else that is mapped and not
 * the program's is the allocator's. A VMA counts for each owner that has a page in it, and once in
 * the total.
 *
 * ledger_apply takes one kernel call and asks the kernel (PROCMAP_QUERY) about the range that it
 * touched, in O(log n) of the number of VMAs: once for a plain mmap or munmap. A call that may have
 * changed anything (effect.everything) costs a reading of the whole table, with the buffer of the
 * accounts. Without that ioctl the VMAs are not kept: ranges of the program still are, and the
 * numbers come from accounts_take (ledger_is_exact is false).
 *
 * What threads that nobody watched have changed is found by ledger_reconcile, which reads the whole
 * table, folds the difference in and says how much it was.
 *
 * Child only: fixed memory from the arena, no locks, async-signal-safe but for begin, reconcile
 * and after_fork. Errors: 0 or -errno.
 */
#ifndef KERNEL_LEDGER_H
#define KERNEL_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/arena.h"
#include "harness/base/range_set.h"
#include "harness/kernel/accounts.h"
#include "harness/kernel/effect.h"
#include "harness/kernel/kernel_call.h"

struct ledger;

/* Absolute numbers at one moment. */
struct ledger_counts {
	int64_t total_maps; /* all VMAs of the process */
	int64_t maps;	    /* with a page of the allocator's or the program's */
	int64_t maps_by[CALLERS];
	int64_t mapped_bytes;
	int64_t mapped_by[CALLERS];
};

/* What a reconciliation found that no kernel call explains. */
struct ledger_drift {
	uint64_t vmas;	      /* VMAs that were there, gone, or with other bounds */
	int64_t maps;	      /* change of `maps` */
	int64_t mapped_bytes; /* change of `mapped_bytes` */
};

struct ledger_options {
	struct accounts *accounts;
	uint32_t program_ranges; /* how many pieces the program's mappings can be in */
};

size_t ledger_arena_bytes(const struct ledger_options *o);
int ledger_new(struct arena *a, const struct ledger_options *o, struct ledger **ret_ledger);

/*
 * Reads the whole table: from here on the ledger is exact, unless the kernel lacks the ioctl
 * (*ret_exact false, which is no error) or the table has more VMAs than the ledger has room for.
 */
int ledger_begin(struct ledger *l, bool *ret_exact);
bool ledger_is_exact(const struct ledger *l);

/*
 * After the call `call` was made (or refused), with its effect. What it mapped belongs to
 * call->caller; for the program with the tag `slot`. Returns 0, or -errno when the ledger could not
 * follow (full, or the kernel would not answer); it is not exact from then on.
 */
int ledger_apply(struct ledger *l, const struct kernel_call *call, const struct effect *effect,
		 uint32_t slot);

/* Now, and each member its own highest since ledger_begin. Only while exact. */
const struct ledger_counts *ledger_now(const struct ledger *l);
const struct ledger_counts *ledger_peak(const struct ledger *l);

/* The peak is what is now. */
void ledger_restart_peak(struct ledger *l);

/* The program's ranges, tagged by slot; valid also while not exact. */
const struct range_set *ledger_program(const struct ledger *l);
/* What is no longer the program's without any call of its own (MADV_DONTFORK in a fork child). */
int ledger_disown(struct ledger *l, uintptr_t start, uintptr_t end);

/* What the program has in [start, end) is slot `tag`'s from now on: mremap has moved it there. */
int ledger_retag(struct ledger *l, uintptr_t start, uintptr_t end, uint32_t tag);

/* VMAs that share an address with [start, end) and start at or behind `*from`, which moves on:
 * asked for ascending ranges, no VMA is counted twice. 0 while not exact. */
uint64_t ledger_maps_over(const struct ledger *l, uintptr_t start, uintptr_t end, uintptr_t *from);

/* What lies at one side of a range that a call was made on. */
enum ledger_side {
	LEDGER_NOTHING, /* nothing is mapped there */
	LEDGER_OTHER,	/* a VMA begins or ends right there */
	LEDGER_SAME	/* one VMA reaches over that end of the range */
};
struct ledger_sides {
	enum ledger_side below, above;
};
/* Only while exact. */
struct ledger_sides ledger_sides_of(const struct ledger *l, uintptr_t start, uintptr_t end);

/*
 * Resident bytes of what the allocator owns, by a scan of its own ranges: huge pages of hugetlbfs,
 * which are no RSS, included. -ENOTSUP while not exact or where resident pages cannot be had.
 */
int ledger_resident(const struct ledger *l, int64_t *ret_bytes);

/* Reads the whole table and folds in what differs. */
int ledger_reconcile(struct ledger *l, struct ledger_drift *ret_drift);

/* In a child after fork(), after accounts_after_fork: its table is read anew. */
int ledger_after_fork(struct ledger *l);

#endif
