/*
 * fuzz_log.h - what a fuzz target says: kept in a file of bounded size, and understood as far as
 * libFuzzer's status lines go ("#4096 pulse  cov: 12 ft: 34 corp: 5/67b ...").
 */
#ifndef CLI_FUZZ_LOG_H
#define CLI_FUZZ_LOG_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FUZZ_LOG_BYTES (1u << 20) /* then PATH becomes PATH.1, of which there is one */

struct fuzz_log {
	char path[PATH_MAX];
	int fd;
	uint64_t size;
	char line[512]; /* the one that is being read, cut off where it is longer */
	size_t len;
	char last[512]; /* the last that says something */
	uint64_t coverage, features, corpus;
};

/* Goes on with the file. Where it cannot be opened lines are understood all the same: -errno. */
int log_open(struct fuzz_log *l, const char *path);

/* 0 or -errno where they could not be kept. */
int log_feed(struct fuzz_log *l, const char *bytes, size_t len);

/* What is read next is of another process: forgets the last words and the rest of a line. */
void log_begin(struct fuzz_log *l);
void log_close(struct fuzz_log *l);

/* The number behind ` cov: ` and the like; false where the line has none. */
bool log_number(const char *line, const char *word, uint64_t *ret_n);

#endif
