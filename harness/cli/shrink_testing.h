/*
 * shrink_testing.h - a shrinker's answers by a predicate over the parsed program, for tests.
 */
#ifndef CLI_SHRINK_TESTING_H
#define CLI_SHRINK_TESTING_H

#include "harness/cli/shrink.h"
#include "harness/prog/program.h"

#define SHRINK_TEST_OPS 4096

/* A program that `fires` was asked about, parsed again. */
struct shrink_asked {
	struct program p;
	bool (*wanted)(const struct program *p);
	uint64_t asked;
	uint64_t stop_at; /* 0: never */
	char last[8192];  /* that fired */
};

/* What was parsed last. */
extern struct op shrink_ops[SHRINK_TEST_OPS];

void shrink_parse(const char *text, size_t len, struct program *p);
/* As shrink_fires_fn; ctx: struct shrink_asked. Fails for a text that is no valid program. */
int shrink_fires(void *ctx, const char *text, size_t len);
struct shrink_result shrink_asking(struct shrink_asked *a, const char *text);
void shrinks_to(bool (*wanted)(const struct program *), const char *text, const char *small);

#endif
