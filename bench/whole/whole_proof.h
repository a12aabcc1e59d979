/*
 * whole_proof.h - what has to be known before a run of a whole program means anything.
 *
 *   reference   the program on plain glibc: its output, which has to be the same on any allocator,
 *               and how often it calls malloc where a preloaded file can serve it. A program with
 *               an allocator inside, or without a loader, makes hardly any such calls
 *   proof       the program on one allocator at a small scale, where the loader writes down whom it
 *               binds malloc to
 *
 * Both are made once for a process of allocrig, in runs that nobody times.
 */
#ifndef BENCH_WHOLE_PROOF_H
#define BENCH_WHOLE_PROOF_H

#include "bench/whole/whole_count.h"
#include "bench/whole/whole_start.h"

struct whole_reference {
	const struct whole_program *program;
	unsigned percent;
	enum bench_status status; /* STATUS_OK: the rest is known */
	char why[512];
	char sha256[65]; /* of the output */
	uint64_t calls[WHOLE_CALLS];
};

/* Valid until the next call. */
const struct whole_reference *whole_reference(const struct bench_tools *t,
					      const struct whole_program *p, unsigned percent);

/* STATUS_OK: the allocator's file serves the program's calls. Else one line in `why`. */
enum bench_status whole_prove(const struct bench_tools *t, const struct whole_program *p,
			      const struct allocator_ref *ref, const uint64_t *calls,
			      char why[512]);

/* Of the program's output in a folder: hexadecimal, or "" where it is not there. */
void whole_output_sha256(const struct whole_folder *f, const struct whole_program *p, char ret[65]);

#endif
