/*
 * op.h - the model of a program: ops on numbered slots.
 *
 * A program is an ordered list of statements. One statement is one `struct op`; block statements
 * (repeat, when, fork, parallel) are two: the opening op and an OP_END. Nothing in an op is a
 * pointer, so ops can be copied, compared with memcmp (unused bytes are zero) and put on shared
 * pages.
 *
 * Statement numbers (`stmt`) are 0-based in text order. Every op line, `repeat`, `when`,
 * `fork`, `parallel`, `trim`, `sleep`, `checkpoint` and `expect` line counts; the version line, the
 * header lines (`ballast`, `fault`, `needs`), comments and closing braces do not. OP_END carries
 * the number of the statement that it closes.
 */
#ifndef PROG_OP_H
#define PROG_OP_H

#include <stdbool.h>
#include <stdint.h>

#define PROG_VERSION	  1
#define PROG_MAX_SLOTS	  (1u << 24) /* per kind: b[0..2^24-1], m[0..2^24-1] */
#define PROG_MAX_THREADS  256	     /* @0 .. @255 */
#define PROG_MAX_DEPTH	  16	     /* nested blocks */
#define PROG_MAX_OUTCOMES 15	     /* errno names after `->` */
#define PROG_MAX_FAULTS	  16	     /* fault header lines */
#define PROG_MAX_NEEDS	  8	     /* needs header lines */
#define PROG_NAME_MAX	  31	     /* bytes in a checkpoint's name */
#define PROG_MAX_ERRNO	  133	     /* largest errno of Linux x86-64 (EHWPOISON) */

enum op_code {
	/* Block ops: allocator calls. */
	OP_MALLOC,	  /* arg0 = size */
	OP_CALLOC,	  /* arg0 = count, arg1 = size */
	OP_REALLOC,	  /* arg0 = size */
	OP_REALLOCARRAY,  /* arg0 = count, arg1 = size */
	OP_ALIGNED_ALLOC, /* arg0 = alignment, arg1 = size; the same for the next two */
	OP_POSIX_MEMALIGN,
	OP_MEMALIGN,
	OP_VALLOC,  /* arg0 = size */
	OP_PVALLOC, /* arg0 = size */
	OP_FREE,
	OP_FREE_SIZED,	       /* the size is what was asked for when the block was made */
	OP_FREE_ALIGNED_SIZED, /* the same, with the alignment */
	OP_USABLE,
	OP_TRIM,
	/* Mapping ops: kernel calls of the program's own. */
	OP_MMAP,     /* arg0 = length */
	OP_MUNMAP,   /* range */
	OP_MREMAP,   /* arg0 = new length; range: the old address and length */
	OP_MPROTECT, /* range */
	OP_MADVISE,  /* range */
	OP_MSYNC,    /* range */
	OP_MLOCK,    /* range */
	OP_MUNLOCK,  /* range */
	OP_TRUNCATE, /* arg0 = new length of the file that is mapped */
	OP_CHECK,    /* range; reads each page: can it be read, and is it what it must be? */
	OP_ADD,	     /* arg0 is added to the word of each page; range */
	/* Either kind of slot. */
	OP_TOUCH, /* range */
	/* Control. */
	OP_REPEAT, /* arg0 = count */
	OP_WHEN,   /* fact: the block is run where it holds */
	OP_FORK,
	OP_PARALLEL,
	OP_END,	       /* closes the innermost open block */
	OP_SLEEP,      /* arg0 = nanoseconds */
	OP_EXIT,       /* the thread ends; its next op runs on a new one. Not thread 0 */
	OP_CHECKPOINT, /* name */
	OP_EXPECT,     /* expect */
	OP_CODES
};

enum op_space { SPACE_NONE, SPACE_BLOCK, SPACE_MAP };

/* Where an mmap takes its pages from. */
enum map_source {
	SOURCE_NONE,  /* none of them (text: no source, or `none` for no flag at all): fd -1 and no
			 MAP_ANONYMOUS: EBADF, unless the length is refused first */
	SOURCE_ANON,  /* MAP_ANONYMOUS, fd -1 */
	SOURCE_ZERO,  /* /dev/zero */
	SOURCE_FILE,  /* a new unlinked file of offset + length, in TMPDIR or /tmp */
	SOURCE_MEMFD, /* a new memfd of that length */
	SOURCE_SHM,   /* a new object by shm_open, unlinked at once */
	SOURCE_SLOT   /* the file that the slot `of` maps, or mapped last */
};

/*
 * Half-open, step >= 1; empty when start >= stop. `single` marks `b[5]`, printed that way. No
 * member is above PROG_MAX_SLOTS, so start + step fits.
 */
struct slice {
	uint32_t start, stop, step;
	uint32_t single;
};

/*
 * How touch, check and add end where a page cannot be accessed: 128 + the signal, which is no
 * errno.
 */
#define OUTCOME_SIGBUS	135
#define OUTCOME_SIGSEGV 139

/* What `->` allows. Without `->`, `present` is 0. */
struct outcomes {
	uint8_t present;
	uint8_t ok;
	uint8_t nerr;
	uint8_t err[PROG_MAX_OUTCOMES]; /* errno values or OUTCOME_SIG*, in text order, no
					   duplicates */
};

struct op_map {
	int32_t prot;	/* PROT_* for mmap and mprotect */
	int32_t flags;	/* MAP_* for mmap (with MAP_ANONYMOUS for `anon`), MREMAP_* for mremap, MS_*
			   for msync */
	int32_t advice; /* MADV_* for madvise */
	uint32_t source; /* enum map_source */
	/* fixed=m[target]+target_off, fixed_noreplace=..., or (no flag at all) hint=... */
	uint32_t has_target;
	uint32_t target;
	uint64_t target_off; /* bytes */
	uint64_t offset;     /* offset=N: into the file, bytes */
	uint32_t of;	     /* SOURCE_SLOT: of=m[of] */
	uint32_t has_to;     /* mremap, to=m[to]: what comes back fills that slot */
	uint32_t to;
	uint32_t unused;
};

enum metric {
	METRIC_MAPS,
	METRIC_MAPS_PEAK,
	METRIC_MAPS_LOST,
	METRIC_MAPPED,
	METRIC_MAPPED_PEAK,
	METRIC_MAPPED_LOST,
	METRIC_RSS,
	METRIC_RSS_PEAK,
	METRIC_ANON_HUGE, /* AnonHugePages of the process */
	METRIC_LAZYFREE,  /* LazyFree of the process */
	METRIC_LOCKED,	  /* VmLck of the process */
	METRIC_VMDATA,	  /* VmData of the process */
	METRIC_CALL_MADE, /* with expect.call */
	METRIC_CALL_FAILED,
	METRIC_COUNT
};

/* The kernel calls that programs, fault plans and results name. */
enum kcall {
	KCALL_MMAP,
	KCALL_MUNMAP,
	KCALL_MREMAP,
	KCALL_MPROTECT,
	KCALL_MADVISE,
	KCALL_PROCESS_MADVISE,
	KCALL_BRK,
	KCALL_COUNT
};

/*
 * What is so on this machine while the program runs, and which programs may ask with `when` and
 * `needs`. harness/kernel/facts.h reads them.
 */
enum fact {
	FACT_OVERCOMMIT,    /* vm.overcommit_memory: 0, 1 or 2 */
	FACT_THP,	    /* transparent huge pages: never (0), madvise (1), always (2) */
	FACT_ROOT,	    /* 1: effective user id 0 */
	FACT_RAM,	    /* MemTotal, bytes */
	FACT_SWAP,	    /* SwapTotal, bytes */
	FACT_MEMLOCK,	    /* RLIMIT_MEMLOCK, bytes; INT64_MAX: no limit */
	FACT_MAX_MAP_COUNT, /* vm.max_map_count */
	FACT_HUGEPAGES,	    /* HugePages_Free */
	/* 1 where the kernel has it, else 0: tried, never taken from a version. */
	FACT_GUARD_INSTALL,   /* MADV_GUARD_INSTALL, Linux 6.13 */
	FACT_POPULATE_WRITE,  /* MADV_POPULATE_WRITE, Linux 5.14 */
	FACT_COLLAPSE,	      /* MADV_COLLAPSE, Linux 6.1 */
	FACT_WIPEONFORK,      /* MADV_WIPEONFORK, Linux 4.14 */
	FACT_DONTUNMAP,	      /* MREMAP_DONTUNMAP, Linux 5.7 */
	FACT_FIXED_NOREPLACE, /* MAP_FIXED_NOREPLACE, Linux 4.17 */
	FACT_SHM,	      /* shm_open works */
	FACT_COUNT
};

enum relation { REL_EQ, REL_NE, REL_LT, REL_LE, REL_GT, REL_GE };

struct op_expect {
	uint32_t metric;   /* enum metric */
	uint32_t call;	   /* enum kcall, for METRIC_CALL_* */
	uint32_t relation; /* enum relation */
	uint32_t unused;
	int64_t value; /* bytes or counts */
};

struct op_fact {
	uint32_t fact;	   /* enum fact */
	uint32_t relation; /* enum relation */
	int64_t value;
};

struct op {
	uint8_t code;  /* enum op_code */
	uint8_t space; /* enum op_space */
	uint8_t has_range;
	uint8_t thread; /* resolved: its own `@n`, else the enclosing block's, else 0 */
	uint32_t stmt;
	uint32_t line;	    /* 1-based line of the text */
	struct slice slice; /* unused (zero) when space is SPACE_NONE */
	struct outcomes outcomes;
	uint64_t arg0, arg1;
	uint64_t range_off, range_len; /* bytes, when has_range */
	union {
		struct op_map map;
		struct op_expect expect;
		struct op_fact fact;
		char name[PROG_NAME_MAX + 1];
	};
};

/* fault CALL ERRNO [nth=N] [count=N] [every=N] [from=OP] [to=OP] */
struct fault_plan {
	uint32_t call; /* enum kcall */
	uint32_t err;
	uint64_t nth;		     /* 1-based; 1 when not given */
	uint64_t count;		     /* refusals; 0: no end. Not given: 1 */
	uint64_t every;		     /* 1 when not given */
	uint64_t from_stmt, to_stmt; /* inclusive; 0 .. UINT64_MAX when not given */
};

struct prog_header {
	uint32_t has_ballast;
	uint32_t nfaults;
	uint64_t ballast; /* map counts of headroom */
	struct fault_plan faults[PROG_MAX_FAULTS];
	/* needs FACT [REL VALUE]: where it does not hold the program is unsupported here. */
	uint32_t nneeds, unused;
	struct op_fact needs[PROG_MAX_NEEDS];
};

/* What one pass over the whole text finds out. */
struct prog_info {
	struct prog_header header;
	uint64_t statements;
	uint32_t block_slots; /* highest slot + 1; 0 when no block op */
	uint32_t map_slots;
	uint32_t threads; /* highest thread + 1; at least 1 */
	uint32_t max_depth;
	uint32_t facts; /* set of 1 << enum fact that `when` and `needs` ask for */
	bool has_fork;
	bool has_parallel;
	bool has_exit;	    /* threads end while the program runs */
	bool has_of;	    /* a mapping of another slot's file, or truncate: files stay open */
	bool has_block_ops; /* anything that calls the allocator, `trim` included */
	bool has_expect;
	bool has_lost_metric; /* an expect on maps.lost or mapped.lost */
	bool has_peak_metric; /* an expect on maps.peak, mapped.peak or rss.peak */
};

/* Whether `code` calls the allocator with a slot (OP_TRIM has none and is not one). */
static inline bool op_is_block_call(unsigned code)
{
	return code <= OP_USABLE;
}

static inline bool op_frees(unsigned code)
{
	return code == OP_FREE || code == OP_FREE_SIZED || code == OP_FREE_ALIGNED_SIZED;
}

/* Whether `code` puts a new block or mapping into an empty slot (realloc takes either). */
static inline bool op_fills_slot(unsigned code)
{
	switch (code) {
	case OP_MALLOC:
	case OP_CALLOC:
	case OP_ALIGNED_ALLOC:
	case OP_POSIX_MEMALIGN:
	case OP_MEMALIGN:
	case OP_VALLOC:
	case OP_PVALLOC:
	case OP_MMAP:
		return true;
	default:
		return false;
	}
}

static inline bool op_opens_block(unsigned code)
{
	return code == OP_REPEAT || code == OP_WHEN || code == OP_FORK || code == OP_PARALLEL;
}

static inline bool slice_is_empty(const struct slice *s)
{
	return s->start >= s->stop;
}

#endif
