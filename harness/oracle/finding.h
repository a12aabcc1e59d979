/*
 * finding.h - one proven misbehaviour, as plain data.
 *
 * The child fills findings without formatting anything; whoever prints composes the message. A
 * finding is (kind, rule, op) plus numbers whose meaning the rule gives. The same (kind, rule, op)
 * again (of the lost rules: with the same system call) only raises `count`.
 */
#ifndef ORACLE_FINDING_H
#define ORACLE_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum finding_kind {
	FINDING_OVERLAP,
	FINDING_MISALIGNED,
	FINDING_CORRUPTED,    /* bytes of a live block changed under it */
	FINDING_LOST_CONTENT, /* realloc (or a mapping call) did not keep what it must keep */
	FINDING_DIRTY_ZERO,
	FINDING_SHORT_USABLE,
	FINDING_WRONG_ERRNO,
	FINDING_ERRNO_CLOBBERED,
	FINDING_ACCEPTED_OVERFLOW,
	FINDING_ACCEPTED_BAD_ALIGNMENT,
	FINDING_NULL_WITHOUT_CAUSE,
	FINDING_CRASH,
	FINDING_HANG,
	FINDING_UNEXPECTED_RESULT,
	FINDING_EXPECTATION,
	FINDING_LOST_MAPPING,
	FINDING_MAP_GROWTH,
	FINDING_FOOTPRINT_GROWTH,
	FINDING_FORK_BROKEN,
	FINDING_WRONG_ACCESS, /* a page of the program's own: an access that must fail succeeds, or
				 the other way round */
	FINDING_WRONG_RESIDENCY, /* the program's mappings take more or less memory than they can */
	FINDING_PROFILE_MISMATCH, /* the allocator is not as its profile says; by the controller */
	FINDING_KINDS
};

/* A set of kinds. */
#define FINDING_BIT(kind) (UINT32_C(1) << (kind))
_Static_assert(FINDING_KINDS <= 32, "a set of kinds is 32 bits");

/* Which sentence of a kind applies, and what n[] holds. finding.c has the sentences. */
enum finding_rule {
	RULE_NONE,
	RULE_OVERLAP_BLOCK,	/* n: address, bytes, other address, other bytes, other slot */
	RULE_OVERLAP_MAPPING,	/* n: address, bytes, mapping start, mapping end, mapping slot */
	RULE_OVERLAP_HARNESS,	/* n: address, bytes */
	RULE_ALIGN_FUNDAMENTAL, /* n: address, bytes, needed alignment */
	RULE_ALIGN_REQUESTED,	/* n: address, bytes, requested alignment */
	RULE_ALIGN_PAGE,	/* n: address, bytes, page */
	RULE_CONTENT_CHANGED, /* n: address, bytes, offset, expected byte, found byte, changed bytes
				 seen */
	RULE_CONTENT_REALLOC, /* the same; seen after realloc */
	RULE_CONTENT_FAILED_REALLOC, /* the same; old block after a realloc that failed */
	RULE_CONTENT_MAPPING,	     /* a page of the program's own; n: address, offset in the
					page, expected word, other word that is right too, found
					word */
	RULE_CONTENT_VANISHED,	     /* n: address, signal; a page of the program's own is gone */
	RULE_ZERO_DIRTY,	     /* n: address, bytes, offset, found byte */
	RULE_ZERO_MAPPING,	     /* a page nobody wrote; n: address, offset in the page, found
					byte */
	RULE_USABLE_SHORT,	     /* n: address, requested, usable */
	RULE_USABLE_UNSTABLE,	     /* n: address, requested, usable before, usable now */
	RULE_USABLE_OVERLAP,	     /* n: address, requested, usable, other address, other bytes */
	RULE_USABLE_FAULT,	     /* n: address, requested, usable, offset of the fault */
	RULE_USABLE_NULL,	     /* n: usable of NULL */
	RULE_ERRNO_ON_FAILURE,	     /* n: found errno, wanted errno */
	RULE_ERRNO_RETURNED,	     /* posix_memalign; n: returned, wanted */
	RULE_ERRNO_FREE,	     /* n: errno before, errno after */
	RULE_ERRNO_POSIX_MEMALIGN,   /* it failed; n: errno before, errno after */
	RULE_ERRNO_POSIX_SUCCESS,    /* it succeeded; the same */
	RULE_MEMPTR_CHANGED,	     /* posix_memalign failed but wrote *memptr; n: before, after */
	RULE_OVERFLOW_SIZE,	     /* n: address, size */
	RULE_OVERFLOW_PRODUCT,	     /* n: address, count, size */
	RULE_ALIGNMENT_ACCEPTED,     /* n: address, alignment, size */
	RULE_NULL_NO_CAUSE,	     /* n: size, alignment, errno */
	RULE_OUTCOME, /* n: 0 when it succeeded else errno; from n[1]: the bytes of the
			 op's struct outcomes */
	RULE_EXPECT,  /* n: enum metric | call << 8 | relation << 16, wanted value, measured value,
			 enum certainty */
	RULE_SIGNAL,  /* n: signal, si_code, fault address, instruction address */
	RULE_EXIT,    /* n: exit status */
	RULE_STUCK,   /* n: nanoseconds without progress */
	RULE_FORK_SIGNAL,     /* n: signal, si_code, fault address, instruction address */
	RULE_FORK_EXIT,	      /* n: exit status */
	RULE_FORK_STUCK,      /* n: nanoseconds without progress; of a thread that was in the
				 middle of an allocator call: its number + 1 (0: none), op code,
				 statement */
	RULE_HARNESS_WRITTEN, /* the shared page was overwritten; nothing else on it is known */
	RULE_TRIM_RESULT,     /* n: what malloc_trim returned (neither 0 nor 1) */
	RULE_LOST_MAPPING, /* n: system call number | calls that a fault plan refused << 32, ranges,
			      bytes, resident bytes, maps (UINT64_MAX: not known), address of the
			      first */
	RULE_LOST_PAGES,   /* the same; the purge was refused, the mapping was to stay */
	RULE_GROWTH_MAPS,  /* n: per round in thousandths, risen, rounds judged */
	RULE_GROWTH_MAPPED,
	RULE_GROWTH_RSS,
	RULE_ACCESS_GRANTED, /* n: address, 0 it was read, 1 written */
	RULE_ACCESS_DENIED,  /* n: address, 0 it was to be read, 1 written; signal */
	RULE_RESIDENCY,	     /* n: measured bytes, at least, at most */
	RULE_PROFILE_ANSWER, /* n: nothing; the words are the controller's */
	RULE_PROFILE_KNOWN,  /* the same; what is known did not appear */
	RULES
};

struct finding {
	uint8_t kind;	 /* enum finding_kind */
	uint8_t rule;	 /* enum finding_rule */
	uint8_t op_code; /* enum op_code of the op it happened in; OP_CODES: before the first op */
	uint8_t thread;
	uint8_t in_fork;  /* seen in a child made by `fork` */
	uint8_t has_slot; /* SPACE_BLOCK or SPACE_MAP (enum op_space): the kind of slot; 0: none */
	uint8_t again;	  /* seen when the program was over and its work was done once more */
	int32_t stmt;	  /* statement number; -1: before the first op */
	uint32_t slot;
	uint64_t iteration;
	uint64_t count; /* times seen */
	uint64_t n[6];
};

#define FINDING_MAX 64

/*
 * Findings of one run, on shared memory. Further kinds of the same op are counted as dropped.
 *
 * The oracles of the kinds in `without` do not judge: what they add is not kept. Where it is the
 * end of a process, the run cannot be called clean for that: the first such end stays in `cut`.
 */
struct finding_sink {
	uint32_t n, dropped;
	uint32_t again;	  /* what is added from here on was seen then */
	uint32_t without; /* set of enum finding_kind */
	struct finding v[FINDING_MAX];
	struct finding cut; /* rule RULE_NONE: there was none */
};

/*
 * Adds it, or its count (0 is once) to that of the same finding; what was seen in the program
 * counts as often as it was seen there. Never fails.
 */
void finding_add(struct finding_sink *sink, const struct finding *f);

/*
 * Whether what comes behind it was not seen, or not by this process: a crash, an exit, a hang, also
 * of a fork child, or results that were written over.
 */
bool finding_cuts(const struct finding *f);

const char *finding_kind_name(unsigned kind); /* "overlap" */
int finding_kind_by_name(const char *name);   /* or -ENOENT */
const char *finding_rule_name(unsigned rule); /* "overlap-block"; of RULE_NONE NULL */

/* One sentence in words, without newline. Returns the length, or -ENOSPC. 512 bytes suffice. */
int finding_message(const struct finding *f, char *buf, size_t size);

/*
 * The stable name of what is wrong, for grouping: kind, op and rule, "overlap/malloc/block".
 * Addresses, sizes and slots are not in it. Crashes get their frames appended by whoever has them.
 */
int finding_signature(const struct finding *f, char *buf, size_t size);

#endif
