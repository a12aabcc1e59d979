/*
 * resume.h - the file of results: whole lines, one writer at a time, gone on with by a later call.
 *
 * A regular file is locked while it is written. Lines that are there stay; one that was torn by a
 * kill is cut off. What is no file (a pipe, standard output) is only written to.
 */
#ifndef BENCH_RESUME_H
#define BENCH_RESUME_H

#include <stdio.h>

#include "bench/command/rows.h"
#include "harness/cli/json_out.h"

struct bench_file {
	const char *path; /* NULL: no file, rows alone */
	struct json_out out;
	struct rows rows; /* what was there, and what is added */
	size_t found;	  /* of them were there */
	size_t torn;	  /* bytes that were cut off */
};

/* Of the runs that are to be added: what must not differ within a file. */
struct bench_same {
	uint64_t seed, scale_percent, time_ns;
	const struct allocator_ref *const *refs;
	unsigned nrefs;
};

/*
 * Opens, locks and reads. `fresh` empties it, after the lock is had. Complains in one line and
 * returns an exit code: a file of something else or in use is a misuse. *ret_text is where people
 * read.
 */
int bench_file_open(struct bench_file *f, const char *path, bool fresh, FILE **ret_text);

/* Whether rows of the file were made with other settings; then one line is printed: exit code. */
int bench_file_check(const struct bench_file *f, const struct bench_same *same);

/* Writes one line and adds its row. Takes the reference. 0 or -errno. */
int bench_file_add(struct bench_file *f, json_t *line);

/* With a complaint: `code`, or that of the failure. */
int bench_file_close(struct bench_file *f, int code);

/*
 * Only reads, without a lock; "-" is standard input. A torn last line is passed over. Complains; an
 * exit code.
 */
int bench_file_read(const char *path, struct rows *ret_rows);

#endif
