/*
 * ballast.h - filler VMAs that leave N map counts of headroom, so that the real kernel refuses.
 *
 * One PROT_NONE | NORESERVE region, under MADV_DONTFORK before it is split, so that a fork child
 * has none of it; then every second page gets another protection, which costs two VMAs a call. No
 * privilege is needed and the host's limit stays as it is. The reservation is one VMA, excluded
 * from the accounts, from reserve to the end of the process: raised or not, what is mapped lands
 * where it would without fillers. In a fork child there is a hole instead.
 *
 * At 65530 VMAs (Linux 6.18): 80 ms to raise, 50 ms to drop, and 25 ms for each fork (0.1 ms
 * without; 47 ms if the child had the fillers): the kernel copies the table before it leaves out.
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
	uint64_t count; /* VMAs beyond the one of the reservation: 0 until raised */
};

/* What a process may have, and how much of it is to be left. */
struct ballast_limit {
	int64_t maps;
	uint64_t headroom;
};

/*
 * Reserves address space for up to `limit` VMAs and excludes it from the accounts. Before
 * accounts_plug. -E2BIG where the limit is too large to be filled (over BALLAST_MAX), -EINVAL where
 * it is none.
 */
#define BALLAST_MAX (1u << 23)
int ballast_reserve(struct ballast *b, struct accounts *acc, int64_t limit);

/*
 * Fills up: afterwards the process has exactly `limit` - `headroom` VMAs. Once raised it may be
 * raised again, to another headroom. -EOVERFLOW when the process has more already, -E2BIG when the
 * reservation was made for a lower limit, -ENOMEM when the kernel's limit is lower than `limit`.
 * After a failure there are no fillers.
 */
int ballast_raise(struct ballast *b, struct accounts *acc, int64_t limit, uint64_t headroom);

/*
 * The same from the fillers that there are, in a process that has `total_maps` VMAs now, them
 * included: costs what there is to change. `ret_changed`: where in the reservation VMAs changed.
 */
struct ballast_change {
	struct {
		uintptr_t start, end; /* empty: nothing */
	} part[2];
};
int ballast_adjust(struct ballast *b, int64_t total_maps, struct ballast_limit limit,
		   struct ballast_change *ret_changed);

/* `maps` of the fillers go, or all. Errors and `ret_changed` as of ballast_adjust. */
int ballast_lower(struct ballast *b, uint64_t maps, struct ballast_change *ret_changed);

/* The fillers go, at any map count; the one VMA of the reservation stays. */
int ballast_drop(struct ballast *b);

/* In a fork child: what lies there now is not the ballast's. */
int ballast_after_fork(struct ballast *b, struct accounts *acc);

#endif
