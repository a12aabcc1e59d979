/*
 * bench_testing.h - made-up results, for the tests of what is done with them.
 */
#ifndef BENCH_BENCH_TESTING_H
#define BENCH_BENCH_TESTING_H

#include "bench/command/rows.h"

/* A run of larson on `allocator` that went well, without metrics. */
struct bench_result made_up(const char *workload, const char *allocator, unsigned rep);

/* Its line. */
json_t *made_up_line(const struct bench_result *r);

/* Adds it to rows. */
void made_up_row(struct rows *rows, const struct bench_result *r);

/* An allocator that resolves to nothing: a name and a checksum. */
struct allocator_ref *made_up_ref(const char *name, const char *sha256);

/* The whole text of a file, for free(); fails the test where there is none. */
char *text_of(const char *path);

#endif
