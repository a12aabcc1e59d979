/*
 * tape_out.h - where the kernel calls of a run go while it goes on: a file, people's eyes, or both.
 */
#ifndef CLI_TAPE_OUT_H
#define CLI_TAPE_OUT_H

#include <stdbool.h>
#include <stdio.h>

#include "harness/cli/json_out.h"
#include "harness/exec/shared.h"

struct tape_out {
	const char *path; /* --tape; NULL: none */
	struct json_out json;
	FILE *text;  /* --show-tape; NULL: not asked for */
	char *names; /* of the run that goes on, as tape_json.h puts them */
	char *buf;   /* lines that are not written yet */
	size_t len, size;
	int err; /* of the first write that failed; nothing is written from then on */
};

/* Opens `path` (NULL, or "-": standard output); `show` NULL: no text. 0 or -errno. */
int tape_out_open(struct tape_out *t, const char *path, FILE *show);
bool tape_out_wanted(const struct tape_out *t);

/* The entries that follow are of this run. 0 or -ENOMEM. */
int tape_out_begin(struct tape_out *t, const char *allocator, const char *program);

/* For run_request.on_tape; ctx is a struct tape_out. What fails is told by tape_out_end. */
void tape_out_entries(void *ctx, const struct tape_entry *entries, size_t n);

/* The run is over, and so many of its calls are not on the tape. 0 or -errno of any write. */
int tape_out_end(struct tape_out *t, uint64_t dropped);

/* 0 or -errno of the close. */
int tape_out_close(struct tape_out *t);

#endif
