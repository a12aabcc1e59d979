/*
 * page.h - what a benchmark's process and its controller share: one page of plain data on a memfd.
 *
 * The controller fills the request before the process starts; the process fills the rest, and what
 * it filled stays readable however it ends. Times are of CLOCK_MONOTONIC in nanoseconds. Counters
 * of lanes are written by one thread each, at any time, without locks: the controller reads them as
 * a curve while the process runs, and exactly at the ends of phases, where the process stands
 * still.
 */
#ifndef BENCH_PAGE_H
#define BENCH_PAGE_H

#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>

#include "bench/histogram.h"

#define BENCH_ABI      1
#define BENCH_PAGE_FD  100 /* in the benchmark's process */
#define BENCH_PHASES   64
#define BENCH_LANES    64 /* threads at once; main is lane 0 */
#define BENCH_NAME_MAX 24
#define BENCH_TEXT_MAX 256

/* Calls whose latency is told apart. */
enum bench_call {
	BENCH_MALLOC, /* and calloc, of one block */
	BENCH_REALLOC,
	BENCH_ALIGNED, /* aligned_alloc, posix_memalign, memalign */
	BENCH_FREE,
	BENCH_MMAP, /* and munmap: calls of the workload's own */
	BENCH_CALLS
};

/* What follows the last phase of a workload, while the controller watches what is given back. */
enum bench_after {
	BENCH_AFTER_NOTHING,
	BENCH_AFTER_IDLE,
	BENCH_AFTER_LIGHT, /* every 10 ms 200 small blocks are allocated and freed */
	BENCH_AFTER_PURGE  /* the allocator's own purge once, then idle */
};

struct bench_request_in {
	uint32_t abi;	  /* BENCH_ABI */
	uint32_t threads; /* N of the workload; 0: its default */
	uint64_t seed;
	uint64_t scale_percent; /* of the fixed work; 100: as WORKLOADS.md has it */
	uint64_t time_ns;	/* 0: fixed work; else each timed phase lasts so long */
	uint32_t verify;	/* contents are judged; not on the void allocator */
	uint32_t after;		/* enum bench_after */
	uint64_t after_ns;
	char workload[BENCH_NAME_MAX];
	char file[PATH_MAX]; /* real path of the file that has to serve malloc; "": libc's own */
};

/* Of one thread. Bytes and blocks are as requested, not as served. Successors go on with them. */
struct bench_lane {
	_Alignas(128) uint64_t ops; /* calls into the allocator, or mapping calls of the workload */
	int64_t live_bytes, live_blocks;
};

struct bench_phase {
	char name[BENCH_NAME_MAX];
	uint32_t timed; /* counts for throughput */
	uint64_t begin_ns, end_ns;
	uint64_t ops;			 /* of all lanes, in this phase */
	int64_t live_bytes, live_blocks; /* at its end */
	/* Of the process, in this phase; without the faults of the benchmark's own memory. */
	uint64_t minor_faults, major_faults, user_ns, system_ns;
	uint64_t instructions; /* in user mode, of all threads; UINT64_MAX: not counted here */
};

enum bench_end {
	BENCH_END_NONE, /* it has not come to its end */
	BENCH_END_OK,
	BENCH_END_WRONG_ALLOCATOR,
	BENCH_END_WRONG_OUTPUT, /* contents or addresses were not what they have to be */
	BENCH_END_REFUSED,	/* a request came back NULL */
	BENCH_END_UNSUPPORTED,
	BENCH_END_BROKEN /* the benchmark's own trouble */
};

/*
 * Of the sampled build alone: timed phases. What seeing a kernel call costs changes with the load
 * by a tenth and more, and so do latencies of calls that entered it; `max` too is less that cost.
 */
struct bench_sampled {
	uint64_t kernel_calls;		  /* that the allocator made, in timed phases */
	uint64_t passed_by;		  /* calls that could not be seen, such as clone */
	uint64_t ticks_per_ms;		  /* of rdtscp */
	uint64_t timer_ticks;		  /* what timing itself costs: subtracted already */
	uint64_t trap_ticks;		  /* what seeing a kernel call costs: subtracted already */
	uint32_t every;			  /* one in so many calls is timed, on average */
	char unsupported[BENCH_TEXT_MAX]; /* why kernel calls were not seen; "" where they were */
	/* [call][whether it entered the kernel], in ticks */
	struct histogram latency[BENCH_CALLS][2];
};

struct bench_page {
	struct bench_request_in in;
	/*
	 * Hand-over, by futexes: the process counts `at` up, wakes it and stands still until `go`
	 * is as much. The first comes before any phase: what there is then is none of the
	 * workload's. Each further one is the end of phase `at` - 2, so at == nphases + 1 there.
	 * With in.after the last phase is named "after". A process that comes to its end hands over
	 * once more than it has phases, then writes `end` and exits; with trouble `end` comes at
	 * any time.
	 */
	_Atomic uint32_t at, go;
	_Atomic uint32_t nphases; /* that have begun */
	/* Resident bytes of the benchmark's own, now. No map of its own comes or goes. */
	_Atomic uint64_t own_bytes;
	struct bench_phase phases[BENCH_PHASES];
	struct bench_lane lanes[BENCH_LANES];
	uint32_t end;		      /* enum bench_end */
	char text[BENCH_TEXT_MAX];    /* of the end, in words */
	char served[PATH_MAX];	      /* the file that really has malloc */
	uint64_t timed_ops, timed_ns; /* sums over timed phases; wall time */
	struct bench_sampled sampled;
};

#endif
