#include "allocators/guard/fence_fault.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "allocators/guard/fence.h"

/* Bits of a page fault's error code, x86-64. */
#define ERROR_WRITE 2
#define ERROR_FETCH 16

static struct sigaction previous_segv, previous_bus;

/* What was explained last. It is not again before guard was called: the handler that the signal is
 * passed on to may return without a remedy. */
static _Atomic uintptr_t last_address;
static _Atomic uint64_t last_calls;

/* Only the kernel sets a positive code, and an address with it unless it says SI_KERNEL. */
static bool has_address(const siginfo_t *info)
{
	return info->si_code > 0 && info->si_code != SI_KERNEL;
}

static const char *access_of(const ucontext_t *uc)
{
	uint64_t error = (uint64_t)uc->uc_mcontext.gregs[REG_ERR];

	if (error & ERROR_FETCH)
		return "execution";
	return error & ERROR_WRITE ? "write" : "read";
}

static void explain(const siginfo_t *info, const ucontext_t *uc)
{
	uintptr_t address = (uintptr_t)info->si_addr;
	uint64_t calls = fence_calls();
	struct line l;

	if (atomic_load(&last_address) == address && atomic_load(&last_calls) == calls)
		return;
	if (!fence_explain(&l, address, access_of(uc)))
		return;
	atomic_store(&last_address, address);
	atomic_store(&last_calls, calls);
	line_write(&l);
}

/* The default action: by running the instruction again, or for a signal that was sent by sending
 * it again. An ignored fault kills as well. */
static void die_of(int signo, const siginfo_t *info)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};

	sigaction(signo, &dfl, NULL);
	if (info->si_code <= 0)
		syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signo);
}

/* What the kernel would block for that handler; on return it puts back what was. */
static void block_for(int signo, const struct sigaction *action)
{
	sigset_t mask = action->sa_mask;

	if (!(action->sa_flags & SA_NODEFER))
		sigaddset(&mask, signo);
	if (!sigisemptyset(&mask))
		sigprocmask(SIG_BLOCK, &mask, NULL);
}

static void pass_on(int signo, siginfo_t *info, void *context)
{
	struct sigaction *previous = signo == SIGBUS ? &previous_bus : &previous_segv;
	struct sigaction action = *previous;

	if (action.sa_handler == SIG_IGN && info->si_code <= 0)
		return;
	if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN) {
		die_of(signo, info);
		return;
	}
	if (action.sa_flags & (int)SA_RESETHAND)
		*previous = (struct sigaction){.sa_handler = SIG_DFL};
	block_for(signo, &action);
	if (action.sa_flags & SA_SIGINFO)
		action.sa_sigaction(signo, info, context);
	else
		action.sa_handler(signo);
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
	int saved = errno;

	if (has_address(info))
		explain(info, context);
	errno = saved;
	pass_on(signo, info, context);
}

/*
 * Nothing is blocked by this handler itself, since the one before it may leave by siglongjmp and
 * count on that. The old action is read first: a fault may come at once.
 */
void fence_fault_install(void)
{
	const struct sigaction action = {.sa_sigaction = on_fault,
					 .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
	int saved = errno;

	sigaction(SIGSEGV, NULL, &previous_segv);
	sigaction(SIGBUS, NULL, &previous_bus);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	errno = saved;
}
