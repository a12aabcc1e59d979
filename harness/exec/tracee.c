#include "harness/exec/tracee.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define STOP_LIMIT_NS 2000000000

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* State letter of /proc/PID/task/TID/stat; 0 when there is no such thread. */
static char thread_state(pid_t pid, pid_t tid)
{
	char path[64], buf[256], *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid, (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	buf[n] = 0;
	end = strrchr(buf, ')'); /* the command's name may hold anything */
	return end && end[1] == ' ' ? end[2] : 0;
}

static bool thread_is_dead(pid_t pid, pid_t tid)
{
	char state = thread_state(pid, tid);

	return !state || state == 'Z' || state == 'X';
}

/*
 * An exit is only looked at, never taken: the status of a child that dies meanwhile belongs to
 * whoever started it.
 */
static int tracee_poll(struct tracee *t, bool *ret_stopped)
{
	siginfo_t si;

	memset(&si, 0, sizeof(si));
	if (waitid(P_PID, t->tid, &si, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL) < 0)
		return errno == EINTR ? 0 : -ESRCH;
	if (!si.si_pid)
		return 0;
	if (si.si_code != CLD_TRAPPED && si.si_code != CLD_STOPPED)
		return -ESRCH;
	memset(&si, 0, sizeof(si));
	if (waitid(P_PID, t->tid, &si, WSTOPPED | WNOHANG | __WALL) < 0 || !si.si_pid)
		return 0;
	t->signal = si.si_status >> 8 == PTRACE_EVENT_STOP ? 0 : si.si_status & 0x7f;
	*ret_stopped = true;
	return 0;
}

static int tracee_wait(struct tracee *t)
{
	int64_t deadline = now_ns() + STOP_LIMIT_NS;
	struct timespec pause = {.tv_nsec = 20000};
	bool stopped = false;
	int r;

	for (;;) {
		r = tracee_poll(t, &stopped);
		if (r < 0 || stopped)
			return r;
		if (now_ns() > deadline)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
		if (pause.tv_nsec < 1000000)
			pause.tv_nsec *= 2;
	}
}

int tracee_stop(pid_t pid, pid_t tid, struct tracee *ret_tracee)
{
	struct tracee t = {.pid = pid, .tid = tid};
	int r;

	if (pid <= 0 || tid <= 0 || thread_is_dead(pid, tid))
		return -ESRCH;
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) < 0) {
		r = -errno;
		/* the kernel answers EPERM for a zombie as well */
		return thread_is_dead(pid, tid) ? -ESRCH : r;
	}
	if (ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) < 0)
		return -errno;
	r = tracee_wait(&t);
	if (r < 0)
		return r;
	*ret_tracee = t;
	return 0;
}

void tracee_release(struct tracee *t)
{
	ptrace(PTRACE_DETACH, t->tid, NULL, (void *)(intptr_t)t->signal);
}

int tracee_get_regs(const struct tracee *t, struct tracee_regs *ret_regs)
{
	struct user_regs_struct u;

	if (ptrace(PTRACE_GETREGS, t->tid, NULL, &u) < 0)
		return -errno;
	*ret_regs = (struct tracee_regs){.r = {u.rax, u.rdx, u.rcx, u.rbx, u.rsi, u.rdi, u.rbp,
					       u.rsp, u.r8, u.r9, u.r10, u.r11, u.r12, u.r13, u.r14,
					       u.r15, u.rip}};
	return 0;
}

bool tracee_peek(const struct tracee *t, uint64_t address, uint64_t *ret_word)
{
	long word;

	errno = 0;
	word = ptrace(PTRACE_PEEKDATA, t->tid, (void *)(uintptr_t)address, NULL);
	if (errno)
		return false;
	*ret_word = (uint64_t)word;
	return true;
}

bool tracee_peek_context(const struct tracee *t, uint64_t address, struct tracee_regs *ret_regs)
{
	static const int greg[TRACEE_REGS] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
					      REG_RBP, REG_RSP, REG_R8,	 REG_R9,  REG_R10, REG_R11,
					      REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};
	struct tracee_regs regs;
	size_t i;

	address += offsetof(ucontext_t, uc_mcontext.gregs);
	for (i = 0; i < TRACEE_REGS; i++)
		if (!tracee_peek(t, address + (uint64_t)greg[i] * sizeof(greg_t), &regs.r[i]))
			return false;
	*ret_regs = regs;
	return true;
}
