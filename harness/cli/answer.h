/*
 * answer.h - the answers to implementation-defined rules: one word each.
 *
 * A program asks (rule.h), the op log of its run has the answer. All words that there are:
 *
 *   pointer       a pointer that free accepts            zero
 *   null          NULL, errno as it was                  every form
 *   null-ERRNO    NULL, with this errno                  zero
 *   frees         the block is freed, NULL, errno kept   realloc-zero
 *   frees-block   the block is freed, another of size 0  realloc-zero
 *   kept-ERRNO    NULL with this errno, the block lives  realloc-zero
 *   accepted      a block                                call
 *   ERRNO         refused with this errno                call, rounding, usable
 *   rounded-N     blocks, all aligned to N               rounding
 *   usable-N      a block of N usable bytes              usable
 *   mixed         not the same for each call             every form
 *   absent        the allocator has no such function     every form
 *
 * and two that are no answers: crash, not-measured.
 */
#ifndef CLI_ANSWER_H
#define CLI_ANSWER_H

#include <stdbool.h>

#include "harness/exec/run.h"

enum answer_form {
	ANSWER_ZERO,
	ANSWER_REALLOC_ZERO,
	ANSWER_CALL,
	ANSWER_ROUNDING,
	ANSWER_USABLE,
	ANSWER_FORMS
};

/* By the word that programs use, "realloc-zero"; or -ENOENT. */
int answer_form_by_name(const char *name);

struct answer_word {
	char s[32];
};

/* Ops that a run must log so that the programs' statements find room. */
#define ANSWER_OPLOG 16384

/* What all calls of a statement did. `r` is of a run with an op log. */
struct answer_word answer_measure(const struct run_result *r, enum answer_form form,
				  unsigned statement);

/* Whether it is an answer, which a profile can state. */
bool answer_is_given(const char *value);

/* For people: "rounded-64" is "accepted, aligned to 64". A word that is none stays as it is. */
struct answer_text {
	char s[64];
};
struct answer_text answer_words(const char *value);

#endif
