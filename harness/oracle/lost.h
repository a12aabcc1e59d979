/*
 * lost.h - memory that the allocator wanted to give back and could not: does it come back later?
 *
 * Fed with every kernel call of the allocator and every block that it hands out. A range whose
 * munmap (or purge, or shrink) was refused is outstanding until it is given back after all (any
 * part of it that a later call unmaps, replaces or, where only a purge was refused, purges) or used
 * again: a block is handed out that lies in it, which settles the whole range. What is outstanding
 * inside a program is `*.lost`. To map PROT_NONE over a range is a purge. Ranges that the same op
 * asks for again later in one call become one range. What is outstanding when the headroom has come
 * back, the allocator was purged, has done its work once more and was asked for more memory, is
 * lost.
 *
 * Pure: no kernel, no allocator. Fixed memory, async-signal-safe. Ranges that find no room are
 * counted in `forgotten` and never judged.
 */
#ifndef ORACLE_LOST_H
#define ORACLE_LOST_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/arena.h"
#include "harness/kernel/effect.h"
#include "harness/oracle/finding.h"

struct lost;

/* The op in which a call was made. */
struct lost_at {
	int32_t stmt;
	uint32_t slot;
	uint64_t iteration;
	uint8_t op_code, thread, has_slot, in_fork;
};

size_t lost_arena_bytes(uint32_t capacity);
int lost_new(struct arena *a, uint32_t capacity, struct lost **ret_lost);

/* One call of the allocator's, made or refused. Calls of the program are ignored. */
void lost_call(struct lost *l, const struct kernel_call *call, const struct effect *effect,
	       const struct lost_at *at);

/* A block was handed out. Cheap (one comparison) while nothing is outstanding. */
void lost_handed_out(struct lost *l, uintptr_t start, uint64_t len);

/* From here on refusals are no longer recorded; what is outstanding may still come back. */
void lost_close(struct lost *l);

/* One piece of what is outstanding, in ascending order. */
struct lost_range {
	uintptr_t start, end;
	bool purge; /* only its pages were to go: lost as far as they are resident */
	uint32_t record;
};

/* The first piece that ends behind `at`; false when there is none. */
bool lost_next(const struct lost *l, uintptr_t at, struct lost_range *ret_range);

bool lost_any(const struct lost *l);
uint64_t lost_forgotten(const struct lost *l);

/* Of `maps` where the VMAs are not known: a sum with it in it is not known either. */
#define LOST_MAPS_UNKNOWN UINT64_MAX

/* What was measured of one piece. Of a purge `bytes` is what is resident. */
struct lost_piece {
	uint32_t record;
	uint64_t bytes, resident_bytes, maps;
};

/*
 * Judges at the end: the pieces are added up by the op and call that first asked for them, and each
 * sum that is not zero becomes one lost-mapping finding (count: refused calls).
 * lost_measured for each piece, then lost_judge once.
 */
void lost_measured(struct lost *l, const struct lost_piece *piece);
void lost_judge(struct lost *l, struct finding_sink *sink);

#endif
