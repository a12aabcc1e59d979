/*
 * effect.h - what a kernel call did, or asked for, in terms of address ranges.
 *
 * Pure: computed from the call alone, and unit-tested without a kernel. Ranges are half-open and
 * whole pages; an empty one (start == end) means none. Lengths are rounded up as the kernel rounds
 * them. Calls that have nothing to do with mappings have no effect at all.
 *
 * Not in the arguments, and so not known here: the length of what shmat maps (one page stands for
 * it), the ranges of process_madvise (no `back` for them), what closing a userfaultfd changes.
 */
#ifndef KERNEL_EFFECT_H
#define KERNEL_EFFECT_H

#include "harness/kernel/exclusions.h"
#include "harness/kernel/kernel_call.h"

#define EFFECT_TOUCHED 2

struct effect {
	/*
	 * Where the table of VMAs may have changed, also when the call failed (a refused second
	 * split of mprotect leaves the first behind). Not set by advice that changes pages alone.
	 */
	struct span touched[EFFECT_TOUCHED];
	bool everything;   /* it may have changed anywhere (mlockall, exec, a call unknown) */
	struct span gone;  /* what a successful call unmapped; before `fresh` where both meet */
	struct span fresh; /* what a successful call mapped anew: it is the caller's */
	/*
	 * mremap that moved or stayed: ownership of `from` goes to the same offsets of `to`, after
	 * `gone` and `fresh`. What `from` is longer is gone. Where it stayed both are the same. Of
	 * a duplicate all is `fresh`, and as far as the VMA reaches its owners are those of `from`.
	 */
	struct span from, to;
	bool keeps_from; /* MREMAP_DONTUNMAP, or a duplicate: `from` stays owned too */
	/*
	 * A failed mremap to a fixed place: VMAs at the front of `from` may have moved to `to`
	 * before a later one was refused (Linux 6.17). All else is as of any failed call.
	 */
	bool partly;
	/*
	 * What the caller wanted to give back, whether it succeeded or not: munmap, the tail of a
	 * shrinking mremap, a break that moves down, and (purge) memory whose mapping is to stay:
	 * MADV_DONTNEED, MADV_FREE, MADV_REMOVE, mmap PROT_NONE with MAP_FIXED.
	 */
	struct span back;
	bool purge;
	/* It asked for memory: mmap, a break that moves up, a growing mremap, mprotect to rw. */
	bool takes;
};

void effect_of(const struct kernel_call *call, uintptr_t page_bytes, struct effect *ret_effect);

/*
 * Whether the error of a call means that the kernel had no room or would not, as against a call
 * that was wrong in itself (EINVAL, EBADF, EFAULT, EEXIST). An injected one always does.
 */
bool effect_is_refusal(const struct kernel_call *call);

#endif
