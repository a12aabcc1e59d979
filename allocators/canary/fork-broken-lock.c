/*
 * A lock of later days that the atfork handlers do not know. Whoever holds it in another thread
 * while one forks holds it in the child for ever.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "allocators/canary/canary_core.h"

#define LARGEST (1u << 20) /* bytes: the largest block yet, which takes long to be noted */

static pthread_mutex_t statistics = PTHREAD_MUTEX_INITIALIZER;
static size_t largest;

/* These make the two meet each time: the fork waits for the holder, and the holder for the fork. */
static atomic_bool expected, held, forked;

static void before_fork(void)
{
	while (expected && !held)
		sched_yield();
}

static void behind_fork(void)
{
	forked = expected;
}

__attribute__((constructor)) static void follow_forks(void)
{
	pthread_atfork(before_fork, behind_fork, NULL);
}

static void *noted(size_t size)
{
	expected = expected || size == LARGEST - 1;
	pthread_mutex_lock(&statistics);
	largest = size > largest ? size : largest;
	held = size == LARGEST;
	while (held && !forked)
		sched_yield();
	pthread_mutex_unlock(&statistics);
	return core_malloc(size);
}

const struct canary canary = {.malloc = noted};
