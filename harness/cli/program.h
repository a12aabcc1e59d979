/*
 * program.h - a program as the command line names it: a file, or "-" for standard input.
 */
#ifndef CLI_PROGRAM_H
#define CLI_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/prog/parse.h"

struct program {
	char *path; /* as given */
	char *name; /* base name without ".prog"; "stdin" for "-" */
	int fd;	    /* seekable */
	char sha256[65];
	struct prog_info info;
};

/*
 * Opens, hashes and checks a program. On failure one line is printed on standard error
 * ("FILE:LINE:COLUMN: found ..., expected ...") and the exit code is returned (3 for anything wrong
 * with the program, 2 where the harness could not read what should be readable); 0 on success.
 */
int program_open(const char *path, struct program *ret_program);

/* A program that a command made up itself. Returns 0 or -errno (-EINVAL: the text is wrong). */
int program_from_text(const char *name, const char *text, size_t len, struct program *ret_program);
void program_release(struct program *p);

/*
 * Whether what `option` writes to `path` would destroy one of the programs; then one line is
 * printed. `path` may be NULL.
 */
bool programs_would_be_lost(const struct program *programs, size_t n, const char *option,
			    const char *path);

/* Prints the program in canonical form. Returns an exit code. */
int program_print(const struct program *p);

#endif
