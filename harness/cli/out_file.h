/*
 * out_file.h - a file that a command writes, which comes to be under its name when it is whole.
 */
#ifndef CLI_OUT_FILE_H
#define CLI_OUT_FILE_H

#include <stdio.h>

struct out_file {
	FILE *stream;
	char *temporary; /* NULL: standard output, or what is no regular file */
	const char *path;
};

/* `path` NULL or "-": standard output. Returns 0 or -errno. */
int out_file_open(struct out_file *o, const char *path);

/*
 * Also after a failure, of the opening or the writing, with its -errno: then nothing is left, and
 * what was there before stays. Returns `err` or what failed here.
 */
int out_file_close(struct out_file *o, int err);

#endif
