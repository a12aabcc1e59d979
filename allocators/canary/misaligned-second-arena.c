/*
 * Each thread but the first has an arena of its own. Its blocks begin behind its header, which is
 * no multiple of 16 bytes. (glibc pads its own by hand so that it is.)
 */
#include <pthread.h>

#include "allocators/canary/canary_core.h"

static pthread_t main_thread;

__attribute__((constructor)) static void remember_main_thread(void)
{
	main_thread = pthread_self();
}

static void *from_own_arena(size_t size)
{
	bool is_main = !main_thread || pthread_equal(main_thread, pthread_self());

	return core_aligned(CORE_ALIGN, size, is_main ? 0 : 8);
}

const struct canary canary = {.malloc = from_own_arena};
