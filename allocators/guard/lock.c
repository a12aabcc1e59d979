#include "allocators/guard/lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Most holders are done within some ten nanoseconds; those that call the kernel are not. */
#define SPINS	 100
#define SLEEP_NS 1000000

static bool lock_spin(struct lock *l)
{
	for (int i = 0; i < SPINS; i++) {
		if (!atomic_load_explicit(&l->held, memory_order_relaxed) && lock_try(l))
			return true;
		__builtin_ia32_pause();
	}
	return false;
}

void lock_wait(struct lock *l)
{
	const struct timespec at_most = {.tv_nsec = SLEEP_NS};
	int saved = errno;

	while (!lock_spin(l)) {
		atomic_fetch_add(&l->sleepers, 1);
		syscall(SYS_futex, &l->held, FUTEX_WAIT_PRIVATE, 1, &at_most, NULL, 0);
		atomic_fetch_sub(&l->sleepers, 1);
	}
	errno = saved;
}

void lock_wake(struct lock *l)
{
	int saved = errno;

	syscall(SYS_futex, &l->held, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	errno = saved;
}
