/*
 * launch_spawn.h - starts the benchmark's process.
 */
#ifndef BENCH_LAUNCH_SPAWN_H
#define BENCH_LAUNCH_SPAWN_H

#include <sys/types.h>

struct launch_spawn {
	const char *program;
	const char *word;    /* its only argument; NULL: none */
	const char *preload; /* stands before what the caller preloads; "": nothing */
	int page_fd;	     /* becomes BENCH_PAGE_FD; -1: none */
};

struct launched {
	pid_t pid;     /* leader of a process group, killed with this process */
	int pidfd;     /* readable when it has ended */
	int output_fd; /* reading end of its stdout and stderr, non-blocking */
};

/*
 * The environment is the caller's, with symbols bound at the start. Returns 0, or -errno: also that
 * of a failed exec.
 */
int launch_spawn(const struct launch_spawn *s, struct launched *ret);
void launched_release(struct launched *l);

#endif
