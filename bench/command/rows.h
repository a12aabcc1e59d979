/*
 * rows.h - many results as they are read from their lines: what tables and exports are made of.
 *
 * A result that was just made goes the same way, through its line: what people see is what the file
 * says.
 */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include "bench/result.h"

struct rows {
	size_t n, room;
	struct result_line **row; /* owned */
};

/*
 * Adds one line, with or without its newline. 0, -ENOMEM, or what result_json_read says, with one
 * line in err.
 */
int rows_add(struct rows *r, const char *line, size_t len, char *err, size_t err_size);
void rows_release(struct rows *r);

/* The run with this key, whatever came of it; the block does not tell runs apart. NULL: none. */
const struct result_line *rows_find(const struct rows *r, const struct bench_key *key);

#endif
