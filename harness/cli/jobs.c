#include "harness/cli/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/cli/runner.h"

#define JOBS_MAX  256 /* at once */
#define READ_SIZE 65536
#define POLL_MS	  100 /* how soon an interrupt is seen that came just before poll */

struct result {
	char *bytes;
	size_t len, room;
	bool ended;
};

struct worker {
	pid_t pid;
	size_t job;
};

struct pool {
	const struct jobs *jobs;
	struct result *result; /* of each job */
	struct worker worker[JOBS_MAX];
	struct pollfd fd[JOBS_MAX]; /* of the same worker */
	unsigned running;
	size_t next, told; /* jobs that were started; that were handed over */
	bool stopped;	   /* the workers were told to end */
	int ret;
};

int jobs_write(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

unsigned jobs_processors(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n > 1 ? (unsigned)n : 1;
}

/* The worker: it must not outlive the caller, nor end as the caller would (buffers, atexit). */
__attribute__((noreturn)) static void work(const struct jobs *j, size_t job, int fd, pid_t caller)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == caller)
		j->work(j->ctx, job, fd);
	_exit(0);
}

static int start(struct pool *p)
{
	int fd[2];
	pid_t caller = getpid();

	if (pipe2(fd, O_CLOEXEC) != 0)
		return -errno;
	pid_t pid = fork();

	if (pid == 0) {
		close(fd[0]);
		work(p->jobs, p->next, fd[1], caller);
	}
	int err = pid < 0 ? -errno : 0;

	close(fd[1]);
	if (err) {
		close(fd[0]);
		return err;
	}
	p->worker[p->running] = (struct worker){.pid = pid, .job = p->next};
	p->fd[p->running++] = (struct pollfd){.fd = fd[0], .events = POLLIN};
	p->next++;
	return 0;
}

static void stop(struct pool *p)
{
	for (unsigned i = 0; i < p->running && !p->stopped; i++)
		kill(p->worker[i].pid, SIGTERM);
	p->stopped = true;
}

static void end_worker(struct pool *p, unsigned at)
{
	while (waitpid(p->worker[at].pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(p->fd[at].fd);
	p->result[p->worker[at].job].ended = true;
	p->running--;
	p->worker[at] = p->worker[p->running];
	p->fd[at] = p->fd[p->running];
}

/* False at the end of what the worker writes. */
static bool read_more(struct pool *p, unsigned at)
{
	struct result *r = &p->result[p->worker[at].job];

	if (r->room - r->len < READ_SIZE) {
		char *bigger = realloc(r->bytes, r->len + 2 * (size_t)READ_SIZE);

		if (!bigger) {
			p->ret = p->ret ? p->ret : -ENOMEM;
			stop(p);
			return false;
		}
		r->bytes = bigger;
		r->room = r->len + 2 * (size_t)READ_SIZE;
	}
	ssize_t n = read(p->fd[at].fd, r->bytes + r->len, r->room - r->len);

	if (n > 0)
		r->len += (size_t)n;
	return n > 0 || (n < 0 && errno == EINTR);
}

/* Hands over what is next in order; behind an interrupt, jobs that never began are left out. */
static void tell(struct pool *p)
{
	while (p->told < p->next && p->result[p->told].ended) {
		struct result *r = &p->result[p->told];

		if (!p->ret)
			p->ret = p->jobs->done(p->jobs->ctx, p->told, r->bytes, r->len);
		free(r->bytes);
		r->bytes = NULL;
		p->told++;
	}
	if (p->ret)
		stop(p);
}

static void run(struct pool *p)
{
	unsigned parallel = p->jobs->parallel < JOBS_MAX ? p->jobs->parallel : JOBS_MAX;

	while (p->running || (p->next < p->jobs->n && !p->stopped)) {
		if (runner_interrupted())
			stop(p);
		while (p->running < parallel && p->next < p->jobs->n && !p->stopped && !p->ret)
			p->ret = start(p);
		if (p->ret)
			stop(p);
		if (poll(p->fd, p->running, POLL_MS) > 0) {
			/* From behind: the last one takes the place of one that ended. */
			for (unsigned i = p->running; i-- > 0;)
				if (p->fd[i].revents && !read_more(p, i))
					end_worker(p, i);
		}
		tell(p);
	}
}

int jobs_run(const struct jobs *j)
{
	struct pool *p = calloc(1, sizeof(*p));
	struct result *results = calloc(j->n ? j->n : 1, sizeof(*results));
	int ret = -ENOMEM;

	if (p && results) {
		p->jobs = j;
		p->result = results;
		run(p);
		ret = p->ret;
	}
	for (size_t i = 0; results && i < j->n; i++)
		free(results[i].bytes);
	free(results);
	free(p);
	return ret;
}
