/*
 * program_run.h - a program in the child of `allocrig run`, and what its end means for a benchmark.
 */
#ifndef BENCH_PROGRAM_RUN_H
#define BENCH_PROGRAM_RUN_H

#include "bench/kinds.h"
#include "harness/cli/runner.h"

/* With every kernel call seen and judged, or with nothing but the calls themselves. */
struct runner_options program_options(const struct bench_tools *t, uint64_t seed, bool watched);

/* Runs; released by runner_release. `ret` lives no longer than `p`. */
void program_run(const struct program *p, const struct allocator_ref *ref,
		 const struct runner_options *o, struct outcome_of_run *ret);

/*
 * What the run came to: STATUS_OK also with findings that are figures of a benchmark, such as lost
 * mappings. Into why, of `size` bytes, one line, or "".
 */
enum bench_status program_status(const struct outcome_of_run *r, char *why, size_t size);

/* A difference from the start of the run, or -1 where either was not taken. */
int64_t program_since(int64_t now, int64_t start);

/* The checkpoint of this name in the child itself, the last of them; NULL: there is none. */
const struct checkpoint_record *program_checkpoint(const struct run_shared *s, const char *name);

/* All calls that the allocator made into the kernel. */
uint64_t program_kernel_calls(const struct run_shared *s);

#endif
