/*
 * target.h - the fuzz targets that run programs on allocators: each input is a program on the wire,
 * fed to a child with all oracles and the ledger on.
 *
 * What is found is confirmed first (proof.h). It ends the target by abort(), as engines expect it,
 * or becomes a folder in the inbox (--inbox), and fuzzing goes on. harness/cli/fuzz_job.h has the
 * flags and the counts that a supervisor reads. An allocator that cannot be run ends the target at
 * its start, exit 77 (not here) or 3 (not at all).
 */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

#include "fuzz/budget.h"
#include "fuzz/feedback.h"
#include "fuzz/input.h"

enum target_kind { TARGET_ALLOC, TARGET_MMAP, TARGET_DIFF };

/* Reads the flags and gets ready; exits where it cannot. */
void target_begin(enum target_kind kind, int argc, char *const *argv);

void target_run(const uint8_t *bytes, size_t len);

/* Mutations are the engine's own, by bytes (--bytes). */
bool target_mutates_bytes(void);

/* The budget of what a mutation makes of an input with that one. */
enum budget target_budget(enum budget of, unsigned random);

/*
 * Usable sizes that the allocator has rounded up to so far: ends of its classes. FEEDBACK_ROUNDED
 * of them, octave by octave, with holes of 0.
 */
const uint64_t *target_sizes(size_t *ret_n);

/* What the last input reached; an engine that looks at none clears it before each. */
extern struct feedback_counters target_counters;

#endif
