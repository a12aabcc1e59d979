#include "harness/cli/describe_kernel_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/cli/runner.h"
#include "harness/kernel/maps.h"
#include "harness/kernel/proc.h"

#define EDGE_PAGES 16 /* of the hole that are left alone at either end */

static void child_main(void (*body)(void *ctx), void *ctx, unsigned seconds)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM};
	struct sigaction act = {.sa_handler = SIG_DFL};
	const struct rlimit none = {0, 0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&act.sa_mask);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &act, NULL);
	setrlimit(RLIMIT_CORE, &none);
	alarm(seconds);
	body(ctx);
	_exit(0);
}

/* An interruption ends the child, which is waited for all the same. */
static int wait_for(pid_t pid, int *ret_status)
{
	while (waitpid(pid, ret_status, 0) != pid) {
		if (errno != EINTR)
			return -errno;
		if (runner_interrupted())
			kill(pid, SIGKILL);
	}
	return runner_interrupted() ? -EINTR : 0;
}

int kernel_child(void (*body)(void *ctx), void *ctx, unsigned seconds, char *why, size_t size)
{
	int status = 0, err = 0;
	pid_t pid = fork();

	if (pid == 0)
		child_main(body, ctx, seconds);
	if (pid < 0)
		err = -errno;
	if (!err)
		err = wait_for(pid, &status);
	if (err) {
		snprintf(why, size, "no process could measure it: %s", strerror(-err));
		return err;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		snprintf(why, size, "it took more than %u s", seconds);
	else if (WIFSIGNALED(status))
		snprintf(why, size, "the process that measured it was ended by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(why, size, "the process that measured it gave up");
	return -ECHILD;
}

/* Where the kernel itself put a reservation of that size, less its ends. */
static int find_hole(struct stage *s)
{
	void *p = mmap(NULL, STAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	munmap(p, STAGE_BYTES);
	s->start = (uintptr_t)p + EDGE_PAGES * s->page;
	s->end = (uintptr_t)p + STAGE_BYTES - EDGE_PAGES * s->page;
	return 0;
}

int stage_after_fork(struct stage *s)
{
	if (s->maps_fd >= 0)
		close(s->maps_fd);
	s->maps_fd = proc_open("/proc/self/maps");
	if (s->maps_fd < 0)
		return s->maps_fd;
	s->queries = procmap_probe(s->maps_fd) == 0;
	return 0;
}

int stage_open(struct stage *s)
{
	*s = (struct stage){.page = (size_t)sysconf(_SC_PAGESIZE), .maps_fd = -1};
	void *text = mmap(NULL, STAGE_TEXT_BYTES, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (text == MAP_FAILED)
		return -errno;
	s->text = text;
	int err = stage_after_fork(s);

	return err ? err : find_hole(s);
}

int stage_clear(const struct stage *s)
{
	return munmap((void *)s->start, s->end - s->start) != 0 ? -errno : 0;
}

struct counting {
	const struct stage *stage;
	int maps;
};

static void count_begin(void *ctx)
{
	((struct counting *)ctx)->maps = 0;
}

static int count_one(void *ctx, const struct vma *found)
{
	struct counting *c = ctx;

	c->maps += found->start < c->stage->end && found->end > c->stage->start;
	return 0;
}

static int maps_by_text(const struct stage *s)
{
	const struct maps_reader reader = {s->maps_fd, s->text, STAGE_TEXT_BYTES};
	struct counting c = {.stage = s};
	int err = maps_walk(&reader, &(struct maps_visitor){count_begin, count_one, &c});

	return err ? err : c.maps;
}

int stage_maps(const struct stage *s)
{
	struct procmap_vma v;
	int maps = 0, err = 0;

	if (!s->queries)
		return maps_by_text(s);
	for (uintptr_t at = s->start; !err && at < s->end; at = v.end) {
		err = procmap_at_or_above(s->maps_fd, at, &v);
		if (err || v.start >= s->end)
			break;
		maps++;
	}
	return err && err != -ENOENT ? err : maps;
}

int stage_map_fd(const struct stage *s, size_t at, size_t pages, int prot, int flags, int fd,
		 uint64_t offset)
{
	void *want = stage_at(s, at);
	void *p = mmap(want, pages * s->page, prot, flags, fd, (off_t)offset);

	if (p == MAP_FAILED)
		return -errno;
	if (p == want)
		return 0;
	munmap(p, pages * s->page);
	return -EEXIST;
}

int stage_map(const struct stage *s, size_t at, size_t pages, int prot, int flags)
{
	return stage_map_fd(s, at, pages, prot, flags | MAP_ANONYMOUS, -1, 0);
}

void stage_touch(const struct stage *s, size_t at, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		*(volatile unsigned char *)stage_at(s, at + i) = 1;
}
