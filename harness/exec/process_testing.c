#include "harness/exec/process_testing.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct process process_start(void (*enter)(void (*body)(void), int fd), void (*body)(void))
{
	struct process p;
	int fd[2];

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	p.pid = fork();
	assert_true(p.pid >= 0);
	if (!p.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		enter(body, fd[1]);
		_exit(7);
	}
	close(fd[1]);
	p.fd = fd[0];
	return p;
}

int process_result(const struct process *p)
{
	int status;

	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	close(p->fd);
	return status;
}

int process_end(const struct process *p)
{
	kill(p->pid, SIGKILL);
	return process_result(p);
}
