#include "allocators/guard/test_child.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void read_all(int fd, struct ending *e)
{
	ssize_t n;

	while ((n = read(fd, e->said + e->len, sizeof(e->said) - 1 - e->len)) > 0)
		e->len += (size_t)n;
}

struct ending child_run(void (*what)(void))
{
	struct ending e = {0};
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		alarm(30);
		what();
		_exit(0);
	}
	close(fds[1]);
	read_all(fds[0], &e);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &e.status, 0), pid);
	return e;
}

void expect_line(const struct ending *e, const char *const *words)
{
	const char *at = e->said;

	if (strncmp(at, "guard: ", 7) != 0 || strchr(at, '\n') != e->said + e->len - 1)
		fail_msg("not one line of guard's: \"%s\"", e->said);
	for (; *words; words++) {
		const char *found = strstr(at, *words);

		if (!found)
			fail_msg("no \"%s\" in \"%s\"", *words, at);
		at = found + strlen(*words);
	}
}

void expect_signal(const struct ending *e, int signo)
{
	if (!WIFSIGNALED(e->status) || WTERMSIG(e->status) != signo)
		fail_msg("status %#x instead of signal %d; it said \"%s\"", (unsigned)e->status,
			 signo, e->said);
}

void expect_exit(const struct ending *e, int code)
{
	if (!WIFEXITED(e->status) || WEXITSTATUS(e->status) != code)
		fail_msg("status %#x instead of exit %d; it said \"%s\"", (unsigned)e->status, code,
			 e->said);
}

void expect_silence(const struct ending *e)
{
	assert_string_equal(e->said, "");
}
