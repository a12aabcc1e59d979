#include "harness/cli/fuzz_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

void args_add(struct process_args *a, const char *format, ...)
{
	va_list list;

	if (a->n == PROCESS_ARGS_MAX) {
		a->err = -E2BIG;
		return;
	}
	va_start(list, format);
	if (vasprintf(&a->word[a->n], format, list) < 0)
		a->err = -ENOMEM;
	else
		a->n++;
	va_end(list);
	a->word[a->n] = NULL;
}

void args_release(struct process_args *a)
{
	for (unsigned i = 0; i < a->n; i++)
		free(a->word[i]);
}

/* In the new process. Nothing of the supervisor's goes with it, not even what it ignores. */
__attribute__((noreturn)) static void become(const struct process_args *a, int output,
					     pid_t supervisor)
{
	const struct sigaction normal = {.sa_handler = SIG_DFL};
	int null = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != supervisor)
		_exit(0);
	sigaction(SIGPIPE, &normal, NULL);
	sigaction(SIGXFSZ, &normal, NULL);
	dup2(null, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	execv(a->word[0], a->word);
	dprintf(STDERR_FILENO, "cannot execute %s: %s\n", a->word[0], strerror(errno));
	_exit(127);
}

int process_start(const struct process_args *a, pid_t *ret_pid, int *ret_output)
{
	pid_t supervisor = getpid();
	int fds[2];

	if (a->err)
		return a->err;
	if (pipe2(fds, O_CLOEXEC) != 0)
		return -errno;
	pid_t pid = fork();

	if (pid == 0)
		become(a, fds[1], supervisor);
	int err = pid < 0 ? -errno : 0;

	close(fds[1]);
	if (err) {
		close(fds[0]);
		return err;
	}
	/* Here too: whoever comes first, it is a group before it is ended as one. */
	setpgid(pid, pid);
	*ret_pid = pid;
	*ret_output = fds[0];
	return 0;
}
