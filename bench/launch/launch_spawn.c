#include "bench/launch/launch_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/page.h"
#include "harness/exec/spawn.h"

#define FD_PARK (BENCH_PAGE_FD + 1) /* above the number that the page gets */

static bool has_name(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

static char *preload_entry(const char *preload)
{
	const char *callers = getenv("LD_PRELOAD");
	bool has_both = *preload && callers && *callers;
	char *entry;

	return asprintf(&entry, "LD_PRELOAD=%s%s%s", preload, has_both ? ":" : "",
			callers ? callers : "") < 0
		       ? NULL
		       : entry;
}

/* Strings are the caller's own but for the first, which is freed with the list. */
static char **environment_new(const char *preload)
{
	size_t count = 0, n = 0;

	while (environ[count])
		count++;
	char **list = calloc(count + 3, sizeof(*list));

	if (!list)
		return NULL;
	list[n] = preload_entry(preload);
	if (!list[n++]) {
		free(list);
		return NULL;
	}
	list[n++] = (char *)"LD_BIND_NOW=1";
	for (size_t i = 0; i < count; i++)
		if (!has_name(environ[i], "LD_PRELOAD") && !has_name(environ[i], "LD_BIND_NOW"))
			list[n++] = environ[i];
	return list;
}

static void environment_free(char **list)
{
	if (list)
		free(list[0]);
	free(list);
}

/* All are close-on-exec; both ends of a pipe. */
struct pipes {
	int output[2];
	int failed[2]; /* carries the errno of a failed exec */
};

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void pipes_release(struct pipes *p)
{
	close_end(&p->output[0]);
	close_end(&p->output[1]);
	close_end(&p->failed[0]);
	close_end(&p->failed[1]);
}

static int pipes_init(struct pipes *p)
{
	*p = (struct pipes){{-1, -1}, {-1, -1}};
	if (pipe2(p->output, O_CLOEXEC) == 0 && pipe2(p->failed, O_CLOEXEC) == 0 &&
	    fcntl(p->output[0], F_SETFL, O_NONBLOCK) == 0)
		return 0;
	int err = errno;

	pipes_release(p);
	return -err;
}

/* Each goes out of the way first, for any may be one of the targets. */
static int place(int page_fd, struct pipes *p)
{
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int *all[] = {&nothing, &p->output[1], &p->failed[1], &page_fd};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (*all[i] < 0)
			continue;
		*all[i] = fcntl(*all[i], F_DUPFD_CLOEXEC, FD_PARK);
		if (*all[i] < 0)
			return -errno;
	}
	if (nothing >= 0)
		dup2(nothing, STDIN_FILENO);
	if (dup2(p->output[1], STDOUT_FILENO) < 0 || dup2(p->output[1], STDERR_FILENO) < 0 ||
	    (page_fd >= 0 && dup2(page_fd, BENCH_PAGE_FD) < 0))
		return -errno;
	return 0;
}

/* In the new process. */
static void become(const struct launch_spawn *s, struct pipes *p, char **env, pid_t parent)
{
	char *argv[] = {(char *)s->program, (char *)s->word, NULL};

	spawn_die_with(parent);
	int err = place(s->page_fd, p);

	if (!err) {
		spawn_normalise();
		/* Nothing else that this process has open goes with it. */
		syscall(SYS_close_range, 3, BENCH_PAGE_FD - 1, CLOSE_RANGE_CLOEXEC);
		syscall(SYS_close_range, BENCH_PAGE_FD + 1, ~0u, CLOSE_RANGE_CLOEXEC);
		execve(s->program, argv, env);
		err = -errno;
	}
	ssize_t ignored = write(p->failed[1], &err, sizeof(err));

	(void)ignored;
	_exit(127);
}

static int after_fork(pid_t pid, struct pipes *p, struct launched *ret)
{
	close_end(&p->failed[1]);
	close_end(&p->output[1]);
	int pidfd, err = spawn_begun(pid, p->failed[0], &pidfd);

	if (err)
		return err;
	*ret = (struct launched){.pid = pid, .pidfd = pidfd, .output_fd = p->output[0]};
	p->output[0] = -1;
	return 0;
}

int launch_spawn(const struct launch_spawn *s, struct launched *ret)
{
	char **env = environment_new(s->preload);
	pid_t parent = getpid();
	struct pipes p;
	int err = env ? pipes_init(&p) : -ENOMEM;

	if (err) {
		environment_free(env);
		return err;
	}
	pid_t pid = fork();

	if (pid == 0)
		become(s, &p, env, parent);
	err = pid < 0 ? -errno : after_fork(pid, &p, ret);
	pipes_release(&p);
	environment_free(env);
	return err;
}

void launched_release(struct launched *l)
{
	close(l->pidfd);
	close(l->output_fd);
}
