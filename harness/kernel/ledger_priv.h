/*
 * ledger_priv.h - what the parts of the ledger share.
 *
 * ledger.c       what is asked of it, and the numbers
 * ledger_own.c   who owns which addresses
 * ledger_fold.c  brings the VMAs that are kept in step with those of the kernel
 *
 * While the ledger is exact: every page that is mapped and not excluded is in exactly one of the
 * two sets of ranges, and a page that is not mapped is in none. The program's may also hold pages
 * that are excluded (a mapping of its own came to lie where something excluded was); they count
 * for nothing.
 */
#ifndef KERNEL_LEDGER_PRIV_H
#define KERNEL_LEDGER_PRIV_H

#include "harness/kernel/accounts_priv.h"
#include "harness/kernel/ledger.h"
#include "harness/kernel/procmap.h"
#include "harness/kernel/vma_table.h"

struct ledger {
	struct accounts *accounts;
	struct vma_table vmas;
	struct range_set *program;
	struct range_set *allocator; /* joined, nothing excluded in it; empty while not exact */
	int64_t program_excluded;    /* bytes of the program's ranges that are excluded */
	struct ledger_counts now, peak;
	bool exact;
};

/* ledger_own.c: errors are -ENOSPC. */

/* [start, end) is the caller's from now on, whoever had it. */
int ledger_own(struct ledger *l, enum caller caller, uint32_t slot, struct span s);
/* It is nobody's. */
int ledger_drop(struct ledger *l, struct span s);
/* What is not the program's and not excluded is the allocator's: `s` is mapped. */
int ledger_claim(struct ledger *l, struct span s);
/* What the program has in `from` it has at the same offsets of `to`, with the same tags, too. */
int ledger_copy_program(struct ledger *l, struct span from, uintptr_t to);
/* Who has a page in [start, end): mask of 1 << enum caller. */
uint32_t ledger_owners(const struct ledger *l, struct span s);
/* Exclusions may have changed: all that is known of the allocator's is forgotten. */
void ledger_recount_own(struct ledger *l);

/* ledger_fold.c: also -errno of the kernel. */

/* Asks the kernel about [s.start, s.end), which a call with this effect touched. */
int ledger_follow(struct ledger *l, struct span s, const struct effect *effect);
/* Reads the whole table. *ret_vmas: how many VMAs with an owner were not as expected. */
int ledger_reread(struct ledger *l, uint64_t *ret_vmas);
/* Reads the whole table and drops what is not mapped from the program's ranges. */
int ledger_drop_absent(struct ledger *l);
/* The front of a failed mremap's `from` that did move; empty when none did. */
int ledger_moved_part(struct ledger *l, struct span from, struct span *ret_moved);

/* The VMA counts for `owners` from now on. */
void ledger_count(struct ledger *l, struct vma_node *n, uint32_t owners);

#endif
