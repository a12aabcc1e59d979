/*
 * text.h - writes words and numbers into a buffer of fixed size, without stdio.
 *
 * What does not fit is cut off and remembered; the buffer is NUL-terminated at any time.
 */
#ifndef PROG_TEXT_H
#define PROG_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *buf;
	size_t size, len;
	bool cut;
};

void text_init(struct text *t, char *buf, size_t size);
void text_bytes(struct text *t, const char *bytes, size_t n);
void text_str(struct text *t, const char *s);
void text_u64(struct text *t, uint64_t value);

/* Bytes in the largest of K, M, G, T that gives a whole number: 131072 is 128K. */
void text_size(struct text *t, uint64_t bytes);

/* For people, rounded: "700 B", "2.3 MiB", "412 GiB". */
void text_rounded_size(struct text *t, uint64_t bytes);

/* Nanoseconds in the largest of s, ms, us, ns that gives a whole number. */
void text_time(struct text *t, uint64_t ns);

/* In single quotes, printable ASCII alone: other bytes as \x00. */
void text_quoted(struct text *t, const char *bytes, size_t n);

/* The length, or -ENOSPC when something was cut off. */
int text_result(const struct text *t);

#endif
