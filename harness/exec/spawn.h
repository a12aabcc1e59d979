/*
 * spawn.h - makes the child process: descriptors, environment, limits.
 */
#ifndef EXEC_SPAWN_H
#define EXEC_SPAWN_H

#include <sys/types.h>

#include "harness/exec/run.h"

struct spawned {
	pid_t pid;     /* leader of a process group of its own */
	int pidfd;     /* readable when the child has ended */
	int output_fd; /* read end of its stdout and stderr, non-blocking */
	int notify_fd; /* read end; one byte per crash: the process index */
};

/* The shared page as a memfd and mapped here, with `config` filled. */
int spawn_shared(const struct run_request *req, int *ret_fd, struct run_result *ret_result);

/* Starts the child. Returns 0 or -errno (also when exec failed). */
int spawn_child(const struct run_request *req, int shared_fd, struct spawned *ret_child);

/*
 * What of the configuration is of one program: its header and sizes. The rest stays as it was when
 * the child was started.
 */
void spawn_configure(const struct run_request *req, struct run_config *cfg);

void spawned_release(struct spawned *s);

/*
 * For a new process before exec: the kernel kills it when `parent` ends; and what the caller may
 * have set and a run must not depend on is as ever (signals, the stack and core limits, a process
 * group of its own).
 */
void spawn_die_with(pid_t parent);
void spawn_normalise(void);

/*
 * For the process that forked it: exec has succeeded where the pipe of `failed_fd` closes without a
 * word; what is in it else is -errno, and the new process is reaped. Returns 0 or -errno.
 */
int spawn_begun(pid_t pid, int failed_fd, int *ret_pidfd);

#endif
