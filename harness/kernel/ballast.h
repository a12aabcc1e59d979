/*
 * ballast.h - filler VMAs that leave N map counts of headroom, so that the real kernel refuses.
 *
 * One PROT_NONE | NORESERVE region, under MADV_DONTFORK before it is split, so that a fork child
 * has none of it; then every second page gets another protection, which costs two VMAs a call. No
 * privilege is needed and the host's limit stays as it is. Without the region the map count is what
 * it was: it is a reservation alone until it is raised.
 *
 * Errors: 0 or -errno.
 */
#ifndef KERNEL_BALLAST_H
#define KERNEL_BALLAST_H

#include <stdint.h>

#include "harness/kernel/accounts.h"

struct ballast {
	uintptr_t start;
	uint64_t len;	/* bytes; 0: none */
	uint64_t count; /* VMAs beyond the one of the reservation, once raised */
};

/*
 * Reserves address space for up to `limit` VMAs and excludes it from the accounts. Before
 * accounts_plug. -E2BIG where the limit is too large to be filled (over BALLAST_MAX).
 */
#define BALLAST_MAX (1u << 23)
int ballast_reserve(struct ballast *b, struct accounts *acc, int64_t limit);

/*
 * Fills up: afterwards the process has exactly `limit` - `headroom` VMAs. -EOVERFLOW when it has
 * more already.
 */
int ballast_raise(struct ballast *b, struct accounts *acc, int64_t limit, uint64_t headroom);

/* All of it goes, at any map count. */
int ballast_drop(struct ballast *b);

/* In a fork child: what lies there now is not the ballast's. */
int ballast_after_fork(struct ballast *b, struct accounts *acc);

#endif
