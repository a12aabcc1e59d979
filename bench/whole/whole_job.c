#include "bench/whole/whole_job.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_LIMIT (256ul << 20) /* a broken allocator may make a program write for ever */
#define ENV_MAX	   4096
#define END_NS	   10000000000u

/* What would change a program's work; knobs of allocators stay. */
static const char *const dropped[] = {"LD_",
				      "PYTHON",
				      "LUA_",
				      "LC_",
				      "LANG=",
				      "LANGUAGE=",
				      "GCC_",
				      "CCC_",
				      "GS_",
				      "HOME=",
				      "COMPILER_PATH=",
				      "CPATH=",
				      "C_INCLUDE_PATH=",
				      "TMPDIR=",
				      "SOURCE_DATE_EPOCH="};

static bool is_dropped(const char *entry)
{
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++) {
		if (strncmp(entry, dropped[i], strlen(dropped[i])) == 0)
			return true;
	}
	return false;
}

/* In the new process, which has nothing else to do with its memory. */
static char **environment_of(const struct job *j, bool is_subject)
{
	static char *list[ENV_MAX + 16];
	static char preload[2 * PATH_MAX + 16];
	size_t n = 0;

	for (char **e = environ; *e && n < ENV_MAX; e++) {
		if (!is_dropped(*e))
			list[n++] = *e;
	}
	list[n++] = (char *)"LC_ALL=C.UTF-8";
	list[n++] = (char *)"HOME=.";
	list[n++] = (char *)"TMPDIR=.";
	for (const char *const *e = j->program->environment; *e && n < ENV_MAX + 4; e++)
		list[n++] = (char *)*e;
	if (is_subject && j->preload) {
		snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", j->preload);
		list[n++] = preload;
	}
	if (is_subject && j->bindings) {
		list[n++] = (char *)"LD_BIND_NOW=1";
		list[n++] = (char *)"LD_DEBUG=bindings";
		list[n++] = (char *)"LD_DEBUG_OUTPUT=bindings";
	}
	if (is_subject && j->counts)
		list[n++] = (char *)"ALLOCRIG_WHOLE_COUNTS=.";
	list[n] = NULL;
	return list;
}

static void put_output(const char *name, int fd)
{
	int file = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (file < 0 || dup2(file, fd) < 0)
		_exit(127);
}

/* Of the kernel's choices when memory runs out, this is the one. */
static void offer_to_oom_killer(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	ssize_t ignored = fd < 0 ? 0 : write(fd, "1000", 4);

	(void)ignored;
	if (fd >= 0)
		close(fd);
}

static void prepare_process(const struct job_command *c, pid_t parent)
{
	struct rlimit core = {0, 0}, file = {FILE_LIMIT, FILE_LIMIT};
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	setpgid(0, 0);
	setrlimit(RLIMIT_CORE, &core);
	setrlimit(RLIMIT_FSIZE, &file);
	offer_to_oom_killer();
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) < 0)
		_exit(127);
	put_output(c->output, 1);
	put_output(WHOLE_STDERR, 2);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void run_process(struct job *j, const struct job_command *c, int failed, pid_t parent)
{
	prepare_process(c, parent);
	if (!c->args) {
		close(failed);
		_exit(c->work(j));
	}
	execve(c->tool, (char *const *)c->args, environment_of(j, c->is_subject));
	int err = -errno;
	ssize_t ignored = write(failed, &err, sizeof(err));

	(void)ignored;
	_exit(127);
}

/* For a controller that has to clean up behind a launcher that was killed. */
static void note_group(pid_t pid)
{
	int fd = open(WHOLE_GROUPS, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd >= 0) {
		dprintf(fd, "%d\n", pid);
		close(fd);
	}
}

int job_start(struct job *j, const struct job_command *c, pid_t *ret_pid)
{
	pid_t self = getpid();
	int failed[2], err = 0;

	if (pipe2(failed, O_CLOEXEC) != 0)
		return -errno;
	pid_t pid = fork();

	if (pid == 0)
		run_process(j, c, failed[1], self);
	close(failed[1]);
	if (pid < 0)
		err = -errno;
	else if (read(failed[0], &err, sizeof(err)) != (ssize_t)sizeof(err))
		err = 0;
	close(failed[0]);
	if (err) {
		if (pid > 0)
			waitpid(pid, NULL, 0);
		return err;
	}
	note_group(pid);
	*ret_pid = pid;
	return 0;
}

/* Takes everybody who has ended, strangers that came to this process too. */
static void reap(struct job *j, pid_t pid, int *ret_status)
{
	struct rusage usage;
	int status;
	pid_t ended;

	while ((ended = wait4(-1, &status, WNOHANG, &usage)) > 0) {
		if (ended == j->main_pid) {
			j->main_status = status;
			j->usage = usage;
		}
		if (ended == pid)
			*ret_status = status;
	}
}

/* Whether it is time to go: a signal that asks for it, or the lifeline is cut. */
static bool is_cancelled(const struct job *j, const struct pollfd *fds)
{
	struct signalfd_siginfo info;
	bool asked = false;

	while (fds[0].revents & POLLIN &&
	       read(j->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		asked |= info.ssi_signo != SIGCHLD;
	return asked || (j->lifeline >= 0 && fds[1].revents);
}

enum job_end job_wait(struct job *j, pid_t pid, int *ret_status)
{
	*ret_status = -1;
	for (;;) {
		struct pollfd fds[2] = {{j->signals, POLLIN, 0}, {j->lifeline, 0, 0}};

		reap(j, pid, ret_status);
		if (*ret_status != -1 || j->main_status != -1)
			return JOB_EXIT;
		if (watch_now_ns() >= j->deadline_ns) {
			job_end_all(j);
			return JOB_TIMEOUT;
		}
		poll(fds, 2, watch_tick(&j->watch));
		if (is_cancelled(j, fds)) {
			job_end_all(j);
			return JOB_CANCELLED;
		}
	}
}

/* Looking through /proc takes milliseconds, in which hyperfine's clock runs. */
static bool has_children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

unsigned job_end_all(struct job *j)
{
	uint64_t give_up_ns = watch_now_ns() + END_NS;
	unsigned killed = 0;
	int ignored = -1;

	/* Those whose parents die come to this process, which is their subreaper. */
	while (has_children() && watch_now_ns() < give_up_ns) {
		unsigned n = watch_kill_children();

		killed = n > killed ? n : killed;
		reap(j, 0, &ignored);
		poll(NULL, 0, 1);
	}
	return killed;
}
