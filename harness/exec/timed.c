/*
 * timed.c - how long single calls of the allocator take, and the slowest of them.
 *
 * CLOCK_MONOTONIC is read in user space and goes on while a thread is moved to another processor.
 */
#include <time.h>

#include "harness/exec/child.h"

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t timed_begin(const struct child *c)
{
	return c->shared->config.timed && !c->again ? now_ns() : 0;
}

void timed_end(struct child *c, uint64_t began_ns)
{
	if (!began_ns)
		return;
	uint64_t ns = now_ns() - began_ns;

	shared_enter(c);
	if (ns > c->shared->slowest_ns) {
		c->shared->slowest_ns = ns;
		c->shared->slowest_stmt = c->pos->stmt;
	}
	shared_leave(c);
}
