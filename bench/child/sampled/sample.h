/*
 * sample.h - what stands around every allocator call of the sampled build.
 *
 * Kernel calls of all of them are seen (trap.h): the selector is on exactly while the allocator
 * runs. One call in BENCH_EVERY, at random distances, is timed as well. A lane's figures are its
 * thread's alone, and go to the page at the end of a timed phase, where no other thread runs.
 */
#ifndef BENCH_CHILD_SAMPLE_H
#define BENCH_CHILD_SAMPLE_H

#include "bench/child/bench.h"
#include "harness/kernel/ticks.h"
#include "harness/kernel/trap.h"

#define BENCH_EVERY 128

struct sampling {
	uint32_t left;	 /* calls until one is timed, that one included */
	bool ending;	 /* its thread has returned: destructors run, and libc's own end */
	uint64_t random; /* a sequence of its own: the workload's is the same in both builds */
	uint64_t kernel_calls; /* of the allocator, in this phase */
	uint64_t passed_by;    /* calls that could not be seen */
	uint64_t entered_at;   /* kernel_calls before the call that is timed */
	struct histogram latency[BENCH_CALLS][2];
};

/* Adds a timed call and chooses the next. `ticks`: as measured. */
void sample_add(struct sampling *s, enum bench_call call, uint64_t ticks) __attribute__((cold));

struct sample {
	bool timed;
	uint64_t start;
};

BENCH_INLINE struct sample sample_start(struct lane *l)
{
	struct sampling *s = l->sampling;
	struct sample this = {.timed = --s->left == 0};

	if (__builtin_expect(this.timed, 0))
		s->entered_at = s->kernel_calls;
	return this;
}

BENCH_INLINE struct sample sample_begin(struct lane *l)
{
	struct sample this = sample_start(l);

	trap_on();
	if (__builtin_expect(this.timed, 0))
		this.start = ticks_now();
	return this;
}

BENCH_INLINE void sample_end(struct lane *l, const struct sample *this, enum bench_call call)
{
	if (__builtin_expect(this->timed, 0)) {
		uint64_t end = ticks_now();

		trap_off();
		sample_add(l->sampling, call, end - this->start);
	} else {
		trap_off();
	}
}

#endif
