/*
 * whole_redis.h - a redis-server of one's own: on a socket in the folder of the run, keeping
 * nothing.
 */
#ifndef BENCH_WHOLE_REDIS_H
#define BENCH_WHOLE_REDIS_H

#include "bench/whole/whole_job.h"

/*
 * With the server started: redis-benchmark works on it, values are read back, all is flushed, and
 * it is told to end. What is to be the same each time goes to the program's output: counts of calls
 * and of those that failed, and whether the values hold. JOB_EXIT: of the server, unless
 * j->client_failed.
 */
enum job_end redis_run(struct job *j);

#endif
