/*
 * whole.h - whole programs from Debian, with an allocator preloaded.
 *
 *   program    what is run: a command, its load (a text in the folder of the run) and its output
 *   folder     of one run, temporary: the program's working directory and home
 *   launcher   allocrig-whole-run: starts the program in its folder, watches its processes from
 *              outside, ends all of them, and writes result.json. It is the command that hyperfine
 *              is given
 *   lifeline   the reading end of a pipe whose other end the controller alone has: when the
 *              controller is gone, however it went, the launcher ends everything and removes the
 *              folder
 *
 * The launcher links libc alone, and is small: what a process has before exec counts to its
 * ru_maxrss. Functions return 0 or -errno.
 */
#ifndef BENCH_WHOLE_H
#define BENCH_WHOLE_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#define WHOLE_LIFELINE_FD 101
#define WHOLE_ARGS	  16

/* Files in the folder of a run. */
#define WHOLE_RESULT "result.json"
#define WHOLE_STDOUT "stdout"
#define WHOLE_STDERR "stderr"
#define WHOLE_GROUPS "groups" /* process groups that were made, a number a line */

struct whole_program {
	const char *name, *summary;
	const char *tools[2]; /* paths, or names to look for in $PATH; the first that is there */
	const char *package;  /* of Debian's, that brings it */
	const char *server;   /* base name of the executable whose calls count */
	bool is_inner;	      /* which is not the program itself, but one that it starts */
	bool is_redis;	      /* a server that clients of the launcher talk to (whole_redis.h) */
	bool quick;
	const char *load; /* name of the load's file in the folder; NULL: none */
	void (*write_load)(FILE *out, unsigned percent);
	const char *load_source;	/* instead: a file of bench/whole, behind a line of SCALE */
	const char *output;		/* the file whose content has to be right */
	const char *const *environment; /* NAME=VALUE beside what all get; NULL-terminated */
	const char *args[WHOLE_ARGS];	/* from argv[0] on */
};

extern const struct whole_program whole_programs[];
extern const unsigned whole_nprograms;

const struct whole_program *whole_by_name(const char *name); /* NULL: there is none */

/* The executable to run. -ENOENT: not installed. */
int whole_find_tool(const char *tool, char ret_path[PATH_MAX]);
int whole_tool(const struct whole_program *p, char ret_path[PATH_MAX]);

/* Writes the load into the folder; `sources` is the folder bench/whole. */
int whole_write_load(const struct whole_program *p, const char *dir, const char *sources,
		     unsigned percent);

/* With all that is in it. What is not there is no error. */
int whole_remove_folder(const char *dir);

#endif
