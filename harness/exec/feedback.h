/*
 * feedback.h - what a fed program reached, for a fuzzer: bytes on the shared page.
 *
 * States are events of the run, each at a place of its own (or of a few that share one by their
 * hash): a byte says how often, up to 255. Which event is at which place stays the same from run to
 * run and from build to build of an allocator. Edges are the 8-bit counters of an allocator that
 * was built with -fsanitize-coverage=inline-8bit-counters, as they are when the program is over
 * and undone; those of fork children and of a child that crashed are not in them (but 0).
 *
 * Rounded are usable sizes that are more than was asked for: where one of the allocator's classes
 * ends. Each has one place (a few have the same: the last one counts), the others are 0.
 *
 * Events come from the child's own process, its threads and its fork children. In parallel
 * sections a count may be lost.
 */
#ifndef EXEC_FEEDBACK_H
#define EXEC_FEEDBACK_H

#include <stdint.h>

#define FEEDBACK_EDGES (1u << 16)

/* Parts of the states, one after the other. */
enum feedback_part {
	/*
	 * Class of the op and the last three kernel calls of the allocator in the program: which,
	 * how they ended. Where the kernel is judged those of the program's own, too: op, class of
	 * flags and errno; how many VMAs came or went, and what lies beside them.
	 */
	FEEDBACK_CALLS,
	FEEDBACK_SIZES, /* op, size class (four an octave), class of alignment */
	FEEDBACK_MOVES, /* realloc: in place or not, grew or shrank, size class before and after */
	FEEDBACK_REFUSALS, /* op, the kernel call that was refused in it, served or NULL */
	FEEDBACK_ERRORS,   /* op, errno of its failure */
	FEEDBACK_PARTS
};

#define FEEDBACK_CALLS_BYTES	2048
#define FEEDBACK_SIZES_BYTES	1024
#define FEEDBACK_MOVES_BYTES	512
#define FEEDBACK_REFUSALS_BYTES 256
#define FEEDBACK_ERRORS_BYTES	256
#define FEEDBACK_STATES                                                                            \
	(FEEDBACK_CALLS_BYTES + FEEDBACK_SIZES_BYTES + FEEDBACK_MOVES_BYTES +                      \
	 FEEDBACK_REFUSALS_BYTES + FEEDBACK_ERRORS_BYTES)

/* Each octave up to 4 GiB has as many. */
#define FEEDBACK_ROUNDED_OCTAVE 8
#define FEEDBACK_ROUNDED	(32 * FEEDBACK_ROUNDED_OCTAVE)

struct run_feedback {
	uint8_t states[FEEDBACK_STATES];
	uint64_t rounded[FEEDBACK_ROUNDED];
	uint32_t nedges; /* of all instrumented files that are loaded, at most FEEDBACK_EDGES */
	uint32_t edges_left_out; /* for which there was no room */
	uint8_t edges[FEEDBACK_EDGES];
};

#endif
