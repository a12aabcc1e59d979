#include "allocators/guard/fork.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "allocators/guard/large.h"
#include "allocators/guard/span.h"

static atomic_bool registered;

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

static void fork_child(void)
{
	span_reset_all();
	lock_reset(&large_lock);
}

void fork_prepare_once(void)
{
	int saved = errno;

	/* Set first: the registration may allocate and come here again. */
	if (!atomic_exchange(&registered, true) &&
	    pthread_atfork(fork_lock_all, fork_unlock_all, fork_child) != 0)
		atomic_store(&registered, false);
	errno = saved;
}
