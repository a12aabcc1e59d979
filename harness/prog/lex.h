/*
 * lex.h - one line of text as words, and what words can mean: counts, sizes, times.
 *
 * Words are separated by spaces and tabs; `#` ends the line. A word is a piece of the line, never
 * copied; at the end of the line it is empty and stands where the next word would have been.
 *
 * Errors: functions return 0, or -EINVAL with the lexer's prog_error filled.
 */
#ifndef PROG_LEX_H
#define PROG_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/prog/parse.h"

struct word {
	const char *text;
	size_t len;
};

struct lexer {
	const char *line, *at, *end; /* first byte, next byte, behind the last */
	uint32_t number;	     /* of the line, 1-based */
	struct prog_error *err;
};

struct word lex_word(struct lexer *l);

/* The next word, left where it is. */
struct word lex_peek(const struct lexer *l);

/* Nothing but a comment is left. */
int lex_end(struct lexer *l);

bool word_is(struct word w, const char *text);
bool word_starts_with(struct word w, const char *text);

/*
 * Cuts w before its first `separator`; what is behind that goes to *ret_rest, whose text is NULL
 * when there was no separator.
 */
struct word word_cut(struct word w, char separator, struct word *ret_rest);

/* "found 'w', expected ...": fills the error and returns -EINVAL. */
int lex_fail(const struct lexer *l, struct word w, const char *expected);

/* The same with the word that was perhaps meant (or NULL). */
int lex_fail_near(const struct lexer *l, struct word w, const char *expected, const char *meant);

/* A plain decimal of at most `max`; `expected` is the error's text. */
int lex_number(const struct lexer *l, struct word w, uint64_t max, const char *expected,
	       uint64_t *ret_number);

/* 24, 4K, 1M, 2G, 1T, 257p (pages), in bytes. */
int lex_size(const struct lexer *l, struct word w, uint64_t *ret_bytes);

/* A size with an optional minus sign. */
int lex_signed_size(const struct lexer *l, struct word w, int64_t *ret_value);

/* 10ns, 10us, 10ms, 10s, in nanoseconds. */
int lex_time(const struct lexer *l, struct word w, uint64_t *ret_ns);

#endif
