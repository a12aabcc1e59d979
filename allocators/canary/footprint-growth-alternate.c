/*
 * Each thread has lists of its own, without a bound, and takes from no other's: where one thread
 * allocates and another one frees, the blocks gather with the second. (Hoard's paper calls it
 * blowup.)
 */
#include <pthread.h>

#include "allocators/canary/canary_core.h"

#define THREADS 8
#define USABLE	4080

struct link {
	struct link *next;
};

static struct {
	pthread_t thread;
	struct link *list;
} threads[THREADS];
static unsigned nthreads;

static struct link **own_list(void)
{
	unsigned i = 0;

	while (i < nthreads && !pthread_equal(threads[i].thread, pthread_self()))
		i++;
	if (i == THREADS)
		return NULL;
	if (i == nthreads)
		threads[nthreads++].thread = pthread_self();
	return &threads[i].list;
}

static void *from_own(size_t size)
{
	struct link **list = size > USABLE / 2 && size <= USABLE ? own_list() : NULL;
	struct link *first = list ? *list : NULL;

	if (!first)
		return core_malloc(size);
	*list = first->next;
	return first;
}

static void to_own(void *p)
{
	struct link **list = p && core_usable(p) == USABLE ? own_list() : NULL, *first = p;

	if (!list) {
		core_free(p);
		return;
	}
	first->next = *list;
	*list = first;
}

const struct canary canary = {.malloc = from_own, .free = to_own};
