#include "harness/exec/page_lock.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#define AWAITED 0x80000000u /* beside the owner's id: somebody sleeps */

#define LOCK_LOCAL static _Thread_local __attribute__((tls_model("initial-exec")))

LOCK_LOCAL uint32_t self;
LOCK_LOCAL uint32_t depth;

/* Waiters may be in other processes. */
static void futex(_Atomic uint32_t *word, int op, uint32_t value)
{
	syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

static void wait_for(_Atomic uint32_t *word)
{
	int saved = errno;

	for (;;) {
		uint32_t seen = atomic_load_explicit(word, memory_order_relaxed);

		/* Others may sleep: who has slept cannot know that nobody does. */
		if (seen == 0 && atomic_compare_exchange_strong_explicit(
					 word, &seen, self | AWAITED, memory_order_acquire,
					 memory_order_relaxed))
			break;
		if (seen == 0 || (!(seen & AWAITED) &&
				  !atomic_compare_exchange_strong(word, &seen, seen | AWAITED)))
			continue;
		futex(word, FUTEX_WAIT, seen | AWAITED);
	}
	errno = saved;
}

void page_lock_take(_Atomic uint32_t *word)
{
	uint32_t expected = 0;

	if (depth++)
		return;
	if (!self)
		self = (uint32_t)syscall(SYS_gettid);
	if (!atomic_compare_exchange_strong_explicit(word, &expected, self, memory_order_acquire,
						     memory_order_relaxed))
		wait_for(word);
}

static void release(_Atomic uint32_t *word)
{
	int saved = errno;

	if (atomic_exchange_explicit(word, 0, memory_order_release) & AWAITED)
		futex(word, FUTEX_WAKE, 1);
	errno = saved;
}

void page_lock_drop(_Atomic uint32_t *word)
{
	if (--depth == 0)
		release(word);
}

void page_lock_after_fork(void)
{
	self = depth = 0;
}

void page_lock_bury(_Atomic uint32_t *word, pid_t gone)
{
	if ((atomic_load(word) & ~AWAITED) == (uint32_t)gone)
		release(word);
}
