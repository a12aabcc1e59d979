/*
 * fuzz_seeds.h - text programs as inputs of a fuzzer.
 */
#ifndef CLI_FUZZ_SEEDS_H
#define CLI_FUZZ_SEEDS_H

#include <stddef.h>

struct seeds_count {
	size_t taken, too_long; /* too_long: for an input, and left out */
};

/* The longest input in bytes: as many records as a program of one may have ops. */
size_t seeds_max_input(void);

/*
 * Writes the program at `from` as wire to the file `to`. Returns 0; -E2BIG for one that is too long
 * for an input; or -errno, after a line said why: -EINVAL for a program that is wrong.
 */
int seed_convert(const char *from, const char *to);

/*
 * All *.prog in the folder and below it (or the one file) go into `corpus` as seed-NAME-HASH, where
 * HASH is of the path. Returns 0, or an exit code after it was told.
 */
int seeds_take(const char *folder, const char *corpus, struct seeds_count *count);

#endif
