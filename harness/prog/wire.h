/*
 * wire.h - programs as fixed-width records, for fuzzers: every byte string is a valid program.
 *
 * A record is 16 bytes: one op with a compact code for each of its fields. That is the smallest
 * power of two that holds every field of the largest op (mmap: slots, length, protection, flags,
 * place, offset, outcomes) a byte or two each, and a power of two lets mutators that know nothing
 * of records (libFuzzer's copy, shift and repeat by such steps) keep them whole. Bytes behind the
 * last whole record are ignored.
 *
 * Records are independent: none changes the meaning of another, wherever it stands, except that
 *  - blocks open and close: a close where none is open is ignored, what is open closes at the end;
 *  - an extension record gives one field of the op before it an exact value that the compact code
 *    cannot say. It carries that op's tag and kind; behind any other op it is ignored, so deleting
 *    the op takes its extensions along;
 *  - ballast counts where it stands first; refusals and needs are taken in their order, up to
 *    their maximum; a touching record makes every allocation of the input be followed by a touch.
 *
 * Compact codes: sizes are log-uniform for one half and near an edge (page, size class, threshold,
 * overflow) for the other; slots are small, so that ops meet; slices and repeats reach 65,536 and
 * more with a byte or two. Codes follow the tables of the program format: what is to be kept over
 * versions is kept as text.
 *
 * What does not fit where it stands (`parallel` in `fork`, `exit` of thread 0, what exceeds the
 * limits) is left out or clipped, the same way each time. A program that fits comes through as it
 * is: decoding what wire_encode made of a decoded program under the same limits gives it again.
 */
#ifndef PROG_WIRE_H
#define PROG_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/prog/op.h"
#include "harness/prog/program.h"

#define WIRE_RECORD_BYTES 16
#define WIRE_OP_RECORDS	  16 /* records of one op with its extensions, at most */

/*
 * What one input may cost. What is left of each budget at an op shortens the op's slice; an op of
 * which not one element fits is left out (a block op: its body stays).
 */
struct wire_limits {
	size_t ops;	       /* with OP_END; program.max_ops counts too */
	uint64_t work;	       /* elements of slices by rounds of repeats, and touched pages / 2 */
	uint64_t mapping_work; /* what an element counts that maps, or is as large; 0: as all do */
	uint64_t rounds;       /* of nested repeats, multiplied */
	uint64_t forks;	       /* by rounds */
	uint64_t sleep_ns;     /* by rounds */
	uint64_t size_bytes;   /* one block or mapping; sizes that no address space holds pass */
	uint64_t align_bytes;  /* an alignment; those that no address space holds pass */
	uint64_t live_bytes;   /* all blocks and mappings with alignments, reserved */
	uint64_t resident_bytes; /* what touches and the like make resident */
	uint64_t ballast;	 /* headroom: what is above max_map_count cannot be had */
	uint32_t threads;	 /* 1 .. PROG_MAX_THREADS */
	uint32_t depth;		 /* nested blocks, at most PROG_MAX_DEPTH */
	uint32_t faults, needs;
	uint64_t codes;	 /* set of 1 << enum op_code that may stand in the program, but OP_END */
	bool no_judging; /* no `expect` and no `->`: random ones are false alarms */
	/*
	 * Refusals with errors alone that the kernel may answer a valid call with: what an
	 * allocator makes of others says nothing of it.
	 */
	bool real_errors;
	bool no_hazards; /* no advice that takes memory from the machine (hwpoison, soft_offline) */
};

/* Nothing is clipped. */
extern const struct wire_limits wire_unlimited;

/* A second or two of work, 2 GiB resident, no judging: for inputs that nobody wrote. */
extern const struct wire_limits wire_fuzz_limits;

struct wire_bytes {
	const uint8_t *bytes;
	size_t len;
};

/* Total. Fills p->header, p->nops and p->ops (with p->max_ops set by the caller; lines are 0). */
void wire_decode(struct wire_bytes in, const struct wire_limits *limits, struct program *p);

/*
 * Returns 0, -ENOSPC, or -EINVAL for ops that no text gives. *ret_len is a multiple of the record
 * size. Lines are not kept.
 */
int wire_encode(const struct program *p, uint8_t *buf, size_t size, size_t *ret_len);

#endif
