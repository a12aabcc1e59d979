#include "harness/exec/crash.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "harness/exec/shared.h"
#include "harness/kernel/trap.h"

#define STACK_BYTES 65536

/* Initial-exec: a handler must not be the first to touch storage that libc allocates lazily. */
#define HANDLER_LOCAL static _Thread_local __attribute__((tls_model("initial-exec")))

static struct {
	struct run_shared *shared;
	unsigned char *stacks;
	unsigned threads, proc;
	pid_t pid; /* of process `proc` */
	int notify_fd;
	_Atomic uint32_t crashed; /* a thread of this process has crashed */
} crash;

HANDLER_LOCAL struct crash_guard *volatile armed;
HANDLER_LOCAL volatile sig_atomic_t handling;
HANDLER_LOCAL const struct position *own_lane; /* NULL: where its process is */
HANDLER_LOCAL unsigned own_thread;
HANDLER_LOCAL unsigned next_proc; /* of the fork child that it is about to make */

static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};

/* Only the kernel sets a positive code; si_addr of a signal that was sent holds its sender. */
static bool has_address(const siginfo_t *info)
{
	return info->si_code > 0 && info->si_code != SI_KERNEL;
}

/*
 * An allocator may have put a handler of its own before this one and call it from there, with the
 * signal blocked: left by siglongjmp, it would stay blocked, and the next fault would kill.
 */
static void unblock_crashes(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(crash_signals) / sizeof(crash_signals[0]); i++)
		sigaddset(&set, crash_signals[i]);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void guard_recover(const siginfo_t *info)
{
	struct crash_guard *g = armed;
	uintptr_t address = (uintptr_t)info->si_addr;

	if (!g || (info->si_signo != SIGSEGV && info->si_signo != SIGBUS) || !has_address(info) ||
	    address < g->start || address >= g->end)
		return;
	armed = NULL;
	g->fault = address;
	g->signal = info->si_signo;
	unblock_crashes();
	siglongjmp(g->env, 1);
}

static void record_fill(unsigned proc, const siginfo_t *info, const ucontext_t *uc)
{
	struct crash_record *rec = &crash.shared->crash[proc];
	/* A child that is still in fork() stands where its parent does. */
	const struct position *pos = own_lane ? own_lane : &crash.shared->pos[proc];
	const greg_t *reg = uc->uc_mcontext.gregs;

	rec->tid = (int32_t)syscall(SYS_gettid);
	rec->lane = own_lane && proc == 0 ? own_thread + 1 : 0;
	rec->signal = info->si_signo;
	rec->code = info->si_code;
	rec->address = has_address(info) ? (uint64_t)(uintptr_t)info->si_addr : 0;
	rec->ip = (uint64_t)reg[REG_RIP];
	/* A signal that a trapped call sent to itself: the allocator stands below the handler. */
	if (pos->phase == PHASE_CALL && atomic_load(&pos->trap_ip))
		rec->ip = atomic_load(&pos->trap_ip);
	rec->sp = (uint64_t)reg[REG_RSP];
	rec->bp = (uint64_t)reg[REG_RBP];
	atomic_store_explicit(&rec->filled, 1, memory_order_release);
}

/*
 * A child that fork() has made and that is still in an atfork handler has not said who it is: it
 * does so here. Where it stands its parent has noted.
 */
static unsigned own_process(void)
{
	struct position *pos = crash.shared->pos;
	pid_t pid = (pid_t)syscall(SYS_getpid);

	if (pid == crash.pid || next_proc >= RUN_PROCS || !next_proc)
		return crash.proc;
	atomic_store(&pos[next_proc].pid, pid);
	return next_proc;
}

static void notify(unsigned char proc)
{
	while (write(crash.notify_fd, &proc, 1) < 0 && errno == EINTR)
		;
	syscall(SYS_futex, &crash.shared->feed.done, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* The system call itself: libc's pause() is a cancellation point. */
_Noreturn static void stand_still(void)
{
	for (;;)
		syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
}

/* Returning runs the faulting instruction again; a signal that was sent is sent again. */
static void die_of(int signo)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};

	sigaction(signo, &dfl, NULL);
	syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signo);
}

static void on_crash(int signo, siginfo_t *info, void *context)
{
	trap_off(); /* what follows enters the kernel itself */
	guard_recover(info);
	if (handling || crash.proc >= RUN_PROCS) {
		die_of(signo);
		return;
	}
	handling = 1;
	if (!atomic_exchange(&crash.crashed, 1)) {
		unsigned proc = own_process();

		record_fill(proc, info, context);
		notify((unsigned char)proc);
	}
	stand_still();
}

/* Nothing is blocked while it runs, so leaving it by siglongjmp leaves no mask behind. */
static const struct sigaction handler = {.sa_sigaction = on_crash,
					 .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

static int handlers_install(void)
{
	size_t i;

	for (i = 0; i < sizeof(crash_signals) / sizeof(crash_signals[0]); i++)
		if (sigaction(crash_signals[i], &handler, NULL) < 0)
			return -errno;
	return 0;
}

size_t crash_arena_bytes(unsigned threads)
{
	return (size_t)threads * STACK_BYTES + 15;
}

int crash_install(struct run_shared *shared, struct arena *a, unsigned threads, unsigned proc,
		  int notify_fd)
{
	unsigned char *stacks;

	if (proc >= RUN_PROCS)
		return -EINVAL;
	stacks = arena_take(a, (size_t)threads * STACK_BYTES, 16);
	if (!stacks)
		return -ENOMEM;
	crash.shared = shared;
	crash.stacks = stacks;
	crash.threads = threads;
	crash.proc = proc;
	crash.pid = getpid();
	crash.notify_fd = notify_fd;
	atomic_store(&crash.crashed, 0);
	return handlers_install();
}

int crash_thread_stack(unsigned i)
{
	stack_t ss = {.ss_size = STACK_BYTES};

	if (i >= crash.threads)
		return -EINVAL;
	ss.ss_sp = crash.stacks + (size_t)i * STACK_BYTES;
	return sigaltstack(&ss, NULL) < 0 ? -errno : 0;
}

void crash_thread_lane(const struct position *lane, unsigned i)
{
	own_lane = lane;
	own_thread = i;
}

void crash_before_fork(unsigned proc)
{
	next_proc = proc;
}

int crash_after_fork(unsigned proc)
{
	own_lane = NULL;
	next_proc = 0;
	armed = NULL;
	handling = 0;
	crash.proc = proc < RUN_PROCS ? proc : RUN_PROCS;
	crash.pid = getpid();
	atomic_store(&crash.crashed, 0);
	return proc < RUN_PROCS ? 0 : -EINVAL;
}

void crash_guard_arm(struct crash_guard *g)
{
	armed = g;
	atomic_signal_fence(memory_order_seq_cst);
}

void crash_guard_disarm(void)
{
	atomic_signal_fence(memory_order_seq_cst);
	armed = NULL;
}

void crash_handlers_take(struct crash_handlers *h)
{
	sigset_t faults;

	sigemptyset(&faults);
	sigaddset(&faults, SIGSEGV);
	sigaddset(&faults, SIGBUS);
	sigaction(SIGSEGV, &handler, &h->segv);
	sigaction(SIGBUS, &handler, &h->bus);
	sigprocmask(SIG_UNBLOCK, &faults, &h->mask);
}

void crash_handlers_give_back(const struct crash_handlers *h)
{
	sigprocmask(SIG_SETMASK, &h->mask, NULL);
	sigaction(SIGSEGV, &h->segv, NULL);
	sigaction(SIGBUS, &h->bus, NULL);
}
