/*
 * bench.h - what a workload is, and what it gets: the benchmark's process.
 *
 * The process is a program linked to libc alone, with the allocator preloaded: a workload calls
 * malloc as any program does, through calls.h. It is built twice from the same sources: once as it
 * is, for time and memory, and once with calls that are sampled, for latency (calls.h). What the
 * workload needs for itself comes from bench_memory, never from the allocator; no pointer that it
 * follows lies in a block, so that the void allocator, whose blocks overlap, can run it as well.
 *
 * A workload is deterministic by seed, threads and scale. Its loops are marked BENCH_HOT: in them
 * nothing is called but the allocator (a test reads the machine code), so helpers are inline.
 */
#ifndef BENCH_CHILD_BENCH_H
#define BENCH_CHILD_BENCH_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/page.h"

#define BENCH_HOT    __attribute__((noinline, section(".text.bench_hot")))
#define BENCH_INLINE static inline __attribute__((always_inline))

struct bench {
	struct bench_page *page;
	uint64_t seed;
	unsigned threads; /* N: what was asked for, or the default; 0: it has no parameter */
	bool verify;
	uint64_t stop_ns; /* of CLOCK_MONOTONIC, of a timed phase; 0: fixed work */
};

struct lane {
	struct bench_lane *counts; /* on the shared page */
	struct sampling *sampling; /* of the sampled build; NULL in the other */
	unsigned index;
	uint64_t random; /* state; seeded by the run's seed and the index */
};

struct workload {
	const char *name;    /* as in WORKLOADS.md */
	const char *summary; /* one line for people */
	unsigned threads;    /* default of N; 0: it has one thread and no parameter */
	bool only_fixed;     /* fixed time means nothing to it */
	/* Runs it, phase by phase, on the main thread's lane. What goes wrong: bench_end_*. */
	void (*run)(struct bench *b, struct lane *l);
};

/* Every workload, in the order of workloads.def. */
extern const struct workload *const bench_workloads[];
extern const unsigned bench_nworkloads;

/* `n` of the fixed work at the scale of this run; at least 1. */
uint64_t bench_scaled(const struct bench *b, uint64_t n);

/*
 * Ends the phase before and begins one: the process stands still until the controller has looked
 * at the memory. `timed`: its calls count for throughput. Main thread, no other one running.
 */
void bench_phase(struct bench *b, const char *name, bool timed);

/*
 * Zeroed memory of the benchmark's own, mapped by itself and touched, so that its faults are not of
 * a timed phase. Never fails: the process ends as broken. Bytes of it are taken off all figures.
 */
void *bench_memory(struct bench *b, size_t bytes);

/*
 * fn on n threads at once, of lanes 1..n, which begin together; returns when all have ended. The
 * threads are new ones: made and joined here.
 */
void bench_threads(struct bench *b, unsigned n, void (*fn)(struct bench *, struct lane *, void *),
		   void *arg);

/*
 * In a thread of bench_threads: a new thread takes the lane over and runs fn, and the caller has to
 * return at once. bench_threads waits for all successors.
 */
void bench_succeed(struct bench *b, struct lane *l,
		   void (*fn)(struct bench *, struct lane *, void *), void *arg);

/* All threads of bench_threads wait here for each other. */
void bench_meet(struct bench *b);

/*
 * In a loop of a workload that can run for a fixed time, now and then (every some thousand ops):
 * whether time is over. Always false with fixed work.
 */
bool bench_is_over(const struct bench *b);

/* Ends the process with words (one line). Any thread. */
_Noreturn void bench_end(struct bench *b, enum bench_end end, const char *text);

/* Ends the process: a request for `size` bytes was refused. The one other call in a hot loop, cold.
 */
_Noreturn __attribute__((cold)) void bench_refused(size_t size);

/* splitmix64, inline: part of the loop's own cost. */
BENCH_INLINE uint64_t lane_random(struct lane *l)
{
	uint64_t z = l->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* 0 .. n - 1, by multiplication: n below 2^32. */
BENCH_INLINE uint64_t lane_under(struct lane *l, uint64_t n)
{
	return ((lane_random(l) >> 32) * n) >> 32;
}

/* One word in every page, and the last byte: what makes a block resident. */
BENCH_INLINE void bench_touch(void *p, size_t size)
{
	volatile char *bytes = p;

	for (size_t at = 0; at < size; at += 4096)
		bytes[at] = (char)at;
	if (size)
		bytes[size - 1] = 1;
}

#endif
