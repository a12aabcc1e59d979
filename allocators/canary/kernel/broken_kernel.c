/*
 * broken_kernel.c - a kernel with one defect, for whoever runs below it.
 *
 *     broken-kernel DEFECT COMMAND [ARGUMENT...]
 *     broken-kernel --list
 *
 * The command and all its children are traced. A mapping call over exactly five pages (a length
 * that rounds up to five) is answered wrongly, as the defect has it; every other call goes to the
 * real kernel, so that the dynamic linker, the harness and libc are none the wiser.
 *
 * Exits with the status of the command; 2 where tracing does not work.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/mman.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE	     4096ull
#define PAGES	     5
#define EXIT_BROKEN  2
#define GUARD_ADVICE 102 /* MADV_GUARD_INSTALL, Linux 6.13 */

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

/* The call as it is about to be made. */
struct call {
	pid_t pid;
	struct user_regs_struct regs;
	bool changed; /* regs are to be written back */
	bool skipped; /* the real kernel is not asked: regs.rax is the answer */
};

struct defect {
	const char *name;
	long nr;
	bool (*before)(struct call *c); /* false: not this call */
	/* When the call has succeeded; `address` is where the five pages are. NULL: nothing. */
	void (*after)(pid_t pid, uint64_t address);
};

static bool answer(struct call *c, long result)
{
	c->regs.orig_rax = (unsigned long long)-1;
	c->regs.rax = (unsigned long long)result;
	c->changed = c->skipped = true;
	return true;
}

static bool as_it_is(struct call *c)
{
	(void)c;
	return true;
}

static bool forgotten(struct call *c)
{
	return answer(c, 0);
}

static bool refused(struct call *c)
{
	return answer(c, -ENOMEM);
}

static void poke(pid_t pid, uint64_t address, long word)
{
	ptrace(PTRACE_POKEDATA, pid, address, word);
}

static void dirty_third_page(pid_t pid, uint64_t address)
{
	poke(pid, address + 2 * PAGE + 104, 0x0100);
}

static void clear_second_page(pid_t pid, uint64_t address)
{
	poke(pid, address + PAGE, 0);
}

static bool is_anonymous(struct call *c)
{
	return c->regs.r10 & MAP_ANONYMOUS;
}

static bool length_rounded_down(struct call *c)
{
	if (c->regs.rsi % PAGE == 0)
		return false;
	c->regs.rsi -= c->regs.rsi % PAGE;
	return c->changed = true;
}

static bool length_one_more(struct call *c)
{
	c->regs.rsi += PAGE;
	return c->changed = true;
}

static bool advice_forgotten(struct call *c, unsigned advice)
{
	return c->regs.rdx == advice && forgotten(c);
}

static bool dontneed(struct call *c)
{
	return advice_forgotten(c, MADV_DONTNEED);
}

static bool wipeonfork(struct call *c)
{
	return advice_forgotten(c, MADV_WIPEONFORK);
}

static bool dontfork(struct call *c)
{
	return advice_forgotten(c, MADV_DONTFORK);
}

static bool guard_install(struct call *c)
{
	return advice_forgotten(c, GUARD_ADVICE);
}

static bool is_anonymous_shared(const struct call *c)
{
	return (c->regs.r10 & MAP_ANONYMOUS) && (c->regs.r10 & MAP_TYPE) == MAP_SHARED;
}

static bool shared_made_private(struct call *c)
{
	if (!is_anonymous_shared(c))
		return false;
	c->regs.r10 = (c->regs.r10 & ~(unsigned long long)MAP_TYPE) | MAP_PRIVATE;
	return c->changed = true;
}

static bool private_file_made_shared(struct call *c)
{
	if ((c->regs.r10 & MAP_ANONYMOUS) || (c->regs.r10 & MAP_TYPE) != MAP_PRIVATE)
		return false;
	c->regs.r10 = (c->regs.r10 & ~(unsigned long long)MAP_TYPE) | MAP_SHARED;
	return c->changed = true;
}

static bool private_made_shared(struct call *c)
{
	if (!(c->regs.r10 & MAP_ANONYMOUS) || (c->regs.r10 & MAP_TYPE) != MAP_PRIVATE)
		return false;
	c->regs.r10 = (c->regs.r10 & ~(unsigned long long)MAP_TYPE) | MAP_SHARED;
	return c->changed = true;
}

static bool populated(struct call *c)
{
	c->regs.r10 |= MAP_POPULATE;
	return c->changed = true;
}

static bool replaces(struct call *c)
{
	if (!(c->regs.r10 & MAP_FIXED_NOREPLACE))
		return false;
	c->regs.r10 = (c->regs.r10 & ~(unsigned long long)MAP_FIXED_NOREPLACE) | MAP_FIXED;
	return c->changed = true;
}

static bool keeps_source(struct call *c)
{
	if (!(c->regs.r10 & MREMAP_MAYMOVE) || c->regs.rsi != c->regs.rdx)
		return false;
	c->regs.r10 |= MREMAP_DONTUNMAP;
	return c->changed = true;
}

static const struct defect defects[] = {
	{"fresh-pages-dirty", SYS_mmap, is_anonymous, dirty_third_page},
	{"mapping-populates", SYS_mmap, populated, NULL},
	{"shared-is-private", SYS_mmap, shared_made_private, NULL},
	{"private-is-shared", SYS_mmap, private_made_shared, NULL},
	{"private-file-is-shared", SYS_mmap, private_file_made_shared, NULL},
	{"noreplace-replaces", SYS_mmap, replaces, NULL},
	{"unmap-forgotten", SYS_munmap, forgotten, NULL},
	{"unmap-refused", SYS_munmap, refused, NULL},
	{"unmap-rounds-down", SYS_munmap, length_rounded_down, NULL},
	{"unmap-takes-more", SYS_munmap, length_one_more, NULL},
	{"protect-forgotten", SYS_mprotect, forgotten, NULL},
	{"protect-damages", SYS_mprotect, as_it_is, clear_second_page},
	{"dontneed-forgotten", SYS_madvise, dontneed, NULL},
	{"wipeonfork-forgotten", SYS_madvise, wipeonfork, NULL},
	{"dontfork-forgotten", SYS_madvise, dontfork, NULL},
	{"guard-forgotten", SYS_madvise, guard_install, NULL},
	{"mlock-forgotten", SYS_mlock, forgotten, NULL},
	{"move-loses", SYS_mremap, as_it_is, clear_second_page},
	{"move-keeps-source", SYS_mremap, keeps_source, NULL},
};

#define DEFECTS (sizeof(defects) / sizeof(*defects))

static const struct defect *defect_by_name(const char *name)
{
	for (size_t i = 0; i < DEFECTS; i++) {
		if (strcmp(defects[i].name, name) == 0)
			return &defects[i];
	}
	return NULL;
}

/* All but the system call of the defect goes on without a stop. */
static int filter_install(long nr)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(*code), .filter = code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0 ? -errno : 0;
}

static _Noreturn void run_command(const struct defect *d, char **argv)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(EXIT_BROKEN);
	raise(SIGSTOP); /* until the tracer has set its options */
	if (filter_install(d->nr) != 0)
		_exit(EXIT_BROKEN);
	execvp(argv[0], argv);
	_exit(EXIT_BROKEN);
}

/* Old length and new are both five pages where a mapping is moved. */
static bool is_over_five_pages(const struct user_regs_struct *regs)
{
	return (regs->rsi + PAGE - 1) / PAGE == PAGES;
}

/* Lets the call be made and looks at its end; the stops of other processes wait meanwhile. */
static void follow_to_end(const struct defect *d, const struct call *c)
{
	struct user_regs_struct end;
	int status;

	if (ptrace(PTRACE_SYSCALL, c->pid, NULL, NULL) != 0 ||
	    waitpid(c->pid, &status, __WALL) != c->pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_GETREGS, c->pid, NULL, &end) != 0)
		return;
	if ((long)end.rax < 0 && (long)end.rax >= -4095)
		return;
	bool returns_address = d->nr == SYS_mmap || d->nr == SYS_mremap;

	d->after(c->pid, returns_address ? end.rax : c->regs.rdi);
}

static void meddle(const struct defect *d, pid_t pid)
{
	struct call c = {.pid = pid};

	if (ptrace(PTRACE_GETREGS, pid, NULL, &c.regs) != 0 || (long)c.regs.orig_rax != d->nr ||
	    !is_over_five_pages(&c.regs) || !d->before(&c))
		return;
	if (c.changed)
		ptrace(PTRACE_SETREGS, pid, NULL, &c.regs);
	if (d->after)
		follow_to_end(d, &c);
}

static bool is_event(int status, int event)
{
	return status >> 8 == (SIGTRAP | (event << 8));
}

/* The signal that the stopped process is to get when it goes on: none for stops that are ours. */
static int passed_on(const struct defect *d, pid_t pid, int status)
{
	int sig = WSTOPSIG(status);

	if (is_event(status, PTRACE_EVENT_SECCOMP)) {
		meddle(d, pid);
		return 0;
	}
	/* The first stop of a new process, and the other events. */
	if (status >> 16 || sig == SIGSTOP || sig == SIGTRAP)
		return 0;
	return sig;
}

static int trace(const struct defect *d, pid_t command)
{
	int status, result = EXIT_BROKEN;
	pid_t pid;

	for (;;) {
		pid = waitpid(-1, &status, __WALL);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return result;
		if (WIFSTOPPED(status)) {
			ptrace(PTRACE_CONT, pid, NULL, (long)passed_on(d, pid, status));
			continue;
		}
		if (pid != command)
			continue;
		result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	}
}

static int run_below(const struct defect *d, char **argv)
{
	const long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			     PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
	pid_t pid = fork();
	int status;

	if (pid == 0)
		run_command(d, argv);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, options) != 0 ||
	    ptrace(PTRACE_CONT, pid, NULL, 0) != 0) {
		fprintf(stderr, "broken-kernel: the command could not be traced: %s\n",
			strerror(errno));
		return EXIT_BROKEN;
	}
	return trace(d, pid);
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		for (size_t i = 0; i < DEFECTS; i++)
			puts(defects[i].name);
		return 0;
	}
	const struct defect *d = argc > 2 ? defect_by_name(argv[1]) : NULL;

	if (!d) {
		fprintf(stderr,
			"usage: broken-kernel DEFECT COMMAND...; --list names the defects\n");
		return EXIT_BROKEN;
	}
	return run_below(d, argv + 2);
}
