/*
 * knob.h - what users set in the environment, read from environ itself: getenv is fine too, but
 * nothing of libc that allocates may run before the first block.
 *
 * A variable that is empty counts as absent. A value that means nothing ends the process: one line
 * on fd 2 says what was expected, and the exit status is KNOB_EXIT.
 */
#ifndef GUARD_KNOB_H
#define GUARD_KNOB_H

#include <stddef.h>

#define KNOB_EXIT 3

/* Index of the value among the `count` words, or `otherwise`. `expected` is what the line says. */
struct knob_words {
	const char *const *words;
	unsigned count, otherwise;
	const char *expected;
};

unsigned knob_word(const char *name, const struct knob_words *w);

/* A whole number with K, M or G for powers of 1024, or `otherwise`. */
size_t knob_size(const char *name, size_t otherwise);

#endif
