#include "allocators/guard/test_fence.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "allocators/guard/guard.h"
#include "allocators/guard/test_work.h"

static struct sigaction segv, bus;
static int probe[2];

void fence_begin(void)
{
	const struct sigaction dfl = {.sa_handler = SIG_DFL};

	unsetenv("GUARD_QUARANTINE");
	unsetenv("GUARD_QUARANTINE_BLOCKS");
	unsetenv("GUARD_ALIGN");
	sigaction(SIGSEGV, &dfl, NULL);
	sigaction(SIGBUS, &dfl, NULL);
	if (pipe(probe) != 0 || guard_mode_set(GUARD_FENCE) != 0)
		abort();
	guard_free(guard_malloc(1));
	guard_malloc_trim(0);
	sigaction(SIGSEGV, NULL, &segv);
	sigaction(SIGBUS, NULL, &bus);
}

void fence_handlers_again(void)
{
	const struct sigaction dfl = {.sa_handler = SIG_DFL};

	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGABRT, &dfl, NULL);
}

bool is_accessible(const void *at)
{
	char byte;

	if (write(probe[1], at, 1) != 1) {
		assert_int_equal(errno, EFAULT);
		return false;
	}
	assert_int_equal(read(probe[0], &byte, 1), 1);
	return true;
}

bool fence_by_protection(void)
{
	const char *value = getenv("GUARD_FENCE");

	return value && strcmp(value, "protect") == 0;
}

int fence_remember(void **state)
{
	guard_malloc_trim(0);
	return work_begin(state);
}

int fence_expect_back(void **state)
{
	guard_malloc_trim(0);
	return work_expect_maps_back(state);
}
