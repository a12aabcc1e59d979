/*
 * words.h - text without stdio, which would allocate: fixed buffers, cut off where they are full.
 */
#ifndef BENCH_CHILD_WORDS_H
#define BENCH_CHILD_WORDS_H

#include <stddef.h>
#include <stdint.h>

struct words {
	char *text; /* always NUL-terminated */
	size_t size, used;
};

void words_init(struct words *w, char *buf, size_t size);
void words_add(struct words *w, const char *text);
void words_number(struct words *w, uint64_t n);
/* n / unit with one decimal; "-" where unit is 0. */
void words_ratio(struct words *w, uint64_t n, uint64_t unit);
/* Spaces until `column`. */
void words_pad(struct words *w, size_t column);
/* To a file descriptor, as far as that takes it; empties it. */
void words_write(struct words *w, int fd);

#endif
