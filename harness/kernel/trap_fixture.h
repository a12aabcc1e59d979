/*
 * trap_fixture.h - a trap that writes down what it sees, for tests in a child of their own.
 */
#ifndef KERNEL_TRAP_FIXTURE_H
#define KERNEL_TRAP_FIXTURE_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "harness/kernel/child_test.h"
#include "harness/kernel/raw_syscall.h"
#include "harness/kernel/trap.h"

#define PAGE	  ((uint64_t)4096)
#define SEEN_MAX  1024
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

struct seen {
	struct kernel_call call;
	uintptr_t ip;
};

static struct seen seen[SEEN_MAX];
static _Atomic uint32_t nseen; /* goes on counting when `seen` is full */
static uint32_t refuse_nr = UINT32_MAX;
static int refuse_err;

static void record(void *ctx, struct kernel_call *call, uintptr_t ip)
{
	CHECK_EQ(ctx, seen);
	CHECK_EQ(call->caller, CALLER_ALLOCATOR);
	uint32_t i = atomic_fetch_add(&nseen, 1);

	if (i < SEEN_MAX) /* before it is made: some do not return */
		seen[i] = (struct seen){*call, ip};
	if (call->nr == refuse_nr)
		kernel_call_refuse(call, refuse_err);
	else
		kernel_call_make(call);
	if (i < SEEN_MAX)
		seen[i].call = *call;
	errno = EXDEV; /* must not get out */
}

/* cmocka has a handler of its own. */
static inline void default_sigsys(void)
{
	const struct sigaction dfl = {.sa_handler = SIG_DFL};

	CHECK_EQ(sigaction(SIGSYS, &dfl, NULL), 0);
}

static inline void trap_setup(void)
{
	const char *reason = NULL;
	int err = trap_install(record, seen, &reason);

	if (err == -ENOTSUP)
		CHILD_SKIP(reason);
	CHECK_EQ(err, 0);
	CHECK_EQ(trap_arm_thread(), 0);
	CHECK_EQ(trap_selector, 0);
}

/* How many calls `nr` were seen. */
static inline uint32_t count_seen(uint32_t nr)
{
	uint32_t n = 0, all = atomic_load(&nseen);

	for (uint32_t i = 0; i < all && i < SEEN_MAX; i++)
		n += seen[i].call.nr == nr;
	return n;
}

static inline void forget_seen(void)
{
	atomic_store(&nseen, 0);
}

/* A trapped call as an allocator makes it, through libc. */
#define TRAPPED(expression)                                                                        \
	({                                                                                         \
		trap_on();                                                                         \
		__auto_type trapped_ = (expression);                                               \
		trap_off();                                                                        \
		trapped_;                                                                          \
	})

static inline char *map_some(uint64_t pages)
{
	return mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, ANONYMOUS, -1, 0);
}

/* Makes one call that is seen when the selector is on. */
static inline void call_something(void)
{
	(void)RAW_SYSCALL(SYS_getppid, 0);
}

/* Of signals: masks as the kernel has them, and pages that an allocator has protected. */

#define MASK_BYTES 8
#define BIT(signo) (UINT64_C(1) << ((signo)-1))
#define USR1	   BIT(SIGUSR1)
#define USR2	   BIT(SIGUSR2)
#define SYS	   BIT(SIGSYS)

static char *no_access, *read_only;

static inline void signals_setup(void)
{
	trap_setup();
	no_access = mmap(NULL, PAGE, PROT_NONE, ANONYMOUS, -1, 0);
	read_only = mmap(NULL, PAGE, PROT_READ, ANONYMOUS, -1, 0);
	CHECK(no_access != MAP_FAILED && read_only != MAP_FAILED);
}

static inline uint64_t mask_now(void)
{
	uint64_t mask = 0;

	CHECK_EQ(RAW_SYSCALL(SYS_rt_sigprocmask, SIG_BLOCK, 0, raw_pointer(&mask), MASK_BYTES), 0);
	return mask;
}

static inline void set_mask(uint64_t mask)
{
	CHECK_EQ(RAW_SYSCALL(SYS_rt_sigprocmask, SIG_SETMASK, raw_pointer(&mask), 0, MASK_BYTES),
		 0);
}

#endif
