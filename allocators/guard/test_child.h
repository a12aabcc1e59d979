/*
 * test_child.h - guard's tests that end a process: what it said on fd 2, and how it ended.
 */
#ifndef GUARD_TEST_CHILD_H
#define GUARD_TEST_CHILD_H

#include <stddef.h>

struct ending {
	char said[1024]; /* fd 2, from its beginning */
	size_t len;
	int status; /* as waitpid tells */
};

/* Forks a child that runs `what` and exits with 0 if that returns. */
struct ending child_run(void (*what)(void));

/* `said` is one line that begins with "guard: " and contains the words, in this order. */
void expect_line(const struct ending *e, const char *const *words);

#define EXPECT_LINE(e, ...) expect_line(e, (const char *const[]){__VA_ARGS__, NULL})

void expect_signal(const struct ending *e, int signo);
void expect_exit(const struct ending *e, int code);

/* What fd 2 was told says nothing. */
void expect_silence(const struct ending *e);

#endif
