/*
 * process_testing.h - for tests: a process that a test may break, and a pipe to hear from it.
 */
#ifndef EXEC_PROCESS_TESTING_H
#define EXEC_PROCESS_TESTING_H

#include <sys/types.h>

struct process {
	pid_t pid;
	int fd; /* read end; the process holds the write end */
};

/* Calls enter(body, write end), which must not return, in a child that dies with its parent. */
struct process process_start(void (*enter)(void (*body)(void), int fd), void (*body)(void));

/* Kills it, or waits until it ends by itself. The status of waitpid(2). */
int process_end(const struct process *p);
int process_result(const struct process *p);

#endif
