/*
 * fuzz_process.h - another program, as a process group that does not outlive this process.
 */
#ifndef CLI_FUZZ_PROCESS_H
#define CLI_FUZZ_PROCESS_H

#include <sys/types.h>

#define PROCESS_ARGS_MAX 40

/* A command line, word by word; all zero: an empty one. */
struct process_args {
	char *word[PROCESS_ARGS_MAX + 1];
	unsigned n;
	int err; /* -errno of what could not be added: process_start returns it */
};

__attribute__((format(printf, 2, 3))) void args_add(struct process_args *a, const char *format,
						    ...);
void args_release(struct process_args *a);

/*
 * Starts word[0], a path. *ret_output is the reading end of what it says on standard output and
 * error; its standard input is empty. Returns 0 or -errno; what cannot be executed says so there
 * and ends with 127.
 */
int process_start(const struct process_args *a, pid_t *ret_pid, int *ret_output);

#endif
