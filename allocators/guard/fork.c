#include "allocators/guard/fork.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "allocators/guard/fence.h"
#include "allocators/guard/large.h"
#include "allocators/guard/span.h"

#define REGISTERED (-1)

/* The process that is registering the handlers just now, 0, or REGISTERED. */
static _Atomic pid_t registrar;

/* How many times the handlers run in this fork: more than one set may be registered, see below. */
static _Thread_local unsigned depth __attribute__((tls_model("initial-exec")));

void fork_lock_all(void)
{
	lock_take(&large_lock);
	span_lock_all();
}

void fork_unlock_all(void)
{
	span_unlock_all();
	lock_drop(&large_lock);
}

static void before_fork(void)
{
	if (depth++ == 0) {
		fork_lock_all();
		fence_lock_all();
	}
}

static void after_fork(void)
{
	if (depth > 0 && --depth == 0) {
		fence_unlock_all();
		fork_unlock_all();
	}
}

static void after_fork_in_child(void)
{
	if (depth == 0 || --depth > 0)
		return;
	fence_reset_all();
	span_reset_all();
	lock_reset(&large_lock);
}

/*
 * Threads wait for the one that registers, lest a fork in between finds a lock taken that no
 * handler knows of. A child that was forked in between registers by itself, perhaps once more.
 */
void fork_prepare_once(void)
{
	int saved = errno;
	pid_t self = getpid(), seen;

	while ((seen = atomic_load(&registrar)) != REGISTERED) {
		if (seen == self) {
			sched_yield();
		} else if (atomic_compare_exchange_strong(&registrar, &seen, self)) {
			int err = pthread_atfork(before_fork, after_fork, after_fork_in_child);

			atomic_store(&registrar, err ? 0 : REGISTERED);
			break;
		}
	}
	errno = saved;
}
