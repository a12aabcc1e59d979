/*
 * jobs.h - work that is done side by side by worker processes, and told in order.
 *
 * Each job is a fork of this process: it shares nothing that changes, and what it writes into its
 * pipe is its result. Results are handed over in the order of the jobs, whichever ends first.
 */
#ifndef CLI_JOBS_H
#define CLI_JOBS_H

#include <stddef.h>

struct jobs {
	size_t n;	   /* jobs 0 .. n-1 */
	unsigned parallel; /* at most so many at once; at least 1 */
	void *ctx;
	/* In the worker: does job i and writes its result. What it returns is lost. */
	void (*work)(void *ctx, size_t i, int fd);
	/*
	 * In the caller: the result of job i, valid during the call; len 0 where the worker died
	 * first. Anything but 0 ends it all.
	 */
	int (*done)(void *ctx, size_t i, const char *result, size_t len);
};

/*
 * Returns 0, what `done` returned, or -errno when a worker could not be made. When
 * runner_interrupted() turns true the workers get SIGTERM, no new one is made, and what has been
 * done is still handed over.
 */
int jobs_run(const struct jobs *j);

/* All bytes, for a worker's result; 0 or -errno. */
int jobs_write(int fd, const void *bytes, size_t len);

/* Processors that this process may use; at least 1. */
unsigned jobs_processors(void);

#endif
