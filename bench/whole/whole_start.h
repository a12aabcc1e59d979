/*
 * whole_start.h - the controller's side of the launcher: a folder, a process, its end.
 */
#ifndef BENCH_WHOLE_START_H
#define BENCH_WHOLE_START_H

#include <jansson.h>
#include <stdint.h>

#include "bench/kinds.h"
#include "bench/whole/whole.h"

/* One run that is prepared: the load is there. */
struct whole_folder {
	char dir[PATH_MAX];
	char tool[PATH_MAX];	 /* the program's executable */
	char launcher[PATH_MAX]; /* allocrig-whole-run */
};

/* What the launcher is told. */
struct whole_request {
	const struct whole_program *program;
	unsigned percent;
	uint64_t limit_ns;
	const char *preload; /* files, separated by colons; NULL: none */
	const char *file;    /* that the process which counts has to have mapped; NULL: any */
	bool bindings, counts;
	const char *name; /* for hyperfine to time it under; NULL: nobody does */
};

/*
 * A temporary folder with the load. Returns 0; or a status with one line in r->why (program not
 * installed, disk full), and then there is no folder.
 */
enum bench_status whole_folder_init(const struct bench_tools *t, const struct whole_program *p,
				    unsigned percent, struct whole_folder *ret, char why[512]);
void whole_folder_release(struct whole_folder *f);

/* The text of a file in the folder, its end if it is longer, in one line of printable characters.
 */
void whole_folder_text(const struct whole_folder *f, const char *name, char *ret, size_t size);

/*
 * Runs the launcher, under hyperfine when it is asked to. STATUS_OK: the launcher did its work,
 * *ret_result is what it wrote and *ret_hyperfine hyperfine's result (new references; NULL where
 * there is none). STATUS_INTERRUPTED with runner_interrupted(). Nothing that was started is left.
 */
enum bench_status whole_start(const struct whole_folder *f, const struct whole_request *q,
			      json_t **ret_result, json_t **ret_hyperfine, char why[512]);

/*
 * What the end of a program means: STATUS_OK when it came to its end with exit code 0. Else the
 * status with one line in `why`, with the last words of the program.
 */
enum bench_status whole_judge_end(const struct whole_folder *f, const json_t *result,
				  uint64_t limit_ns, char why[512]);

/* Numbers of the launcher's result; -1 where it has none. */
int64_t whole_number(const json_t *result, const char *name);

#endif
