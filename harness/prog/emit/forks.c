#include "harness/prog/emit/forks.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/prog/emit/calls.h"
#include "harness/prog/emit/say.h"
#include "harness/prog/emit/shadow.h"

#define EXIT_IMPOSSIBLE 77

#define TOLD_MAX 4

static struct {
	void (*begins)(void), (*ends)(void);
} told[TOLD_MAX];
static unsigned ntold;

void forks_tell(void (*begins)(void), void (*ends)(void))
{
	told[ntold].begins = begins;
	told[ntold++].ends = ends;
}

static void become_child(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	watch_start();
	calls_forked();
	for (unsigned i = 0; i < ntold; i++)
		if (told[i].begins)
			told[i].begins();
}

/* The child has said what was wrong. */
static void judge_end(int status)
{
	if (WIFSIGNALED(status))
		wrong("the fork child died: %s", sigdescr_np(WTERMSIG(status)));
	int code = WEXITSTATUS(status);

	if (code == EXIT_IMPOSSIBLE)
		undecided("not decided in a fork child");
	else if (code)
		_exit(code);
}

/* Whoever forks has the lock, so that the child's copy of what is known is whole. */
bool fork_child(void)
{
	pid_t parent = getpid(), got;
	int status;

	shadow_lock();
	pid_t pid = fork();

	if (pid == 0) {
		become_child(parent);
		return true;
	}
	shadow_unlock();
	if (pid < 0)
		return false;
	watch_waits(true);
	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	watch_waits(false);
	judge_end(status);
	calls_child_gone();
	return false;
}

void end_child(void)
{
	for (unsigned i = 0; i < ntold; i++)
		if (told[i].ends)
			told[i].ends();
	calls_finish();
	_exit(finish());
}
