#include "bench/micro/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/micro/memory_child.h"
#include "harness/kernel/maps.h"
#include "harness/kernel/proc.h"

static int count_one(void *ctx, const struct vma *found)
{
	int64_t *n = ctx;

	(void)found;
	++*n;
	return 0;
}

static void count_from_zero(void *ctx)
{
	int64_t *n = ctx;

	*n = 0;
}

int64_t memory_maps(void)
{
	static char buf[64 << 10];
	int64_t n = 0;
	struct maps_reader reader = {.buf = buf, .size = sizeof(buf)};
	struct maps_visitor visitor = {.begin = count_from_zero, .visit = count_one, .ctx = &n};

	reader.fd = proc_open("/proc/self/maps");
	if (reader.fd < 0)
		return -1;
	int err = maps_walk(&reader, &visitor);

	close(reader.fd);
	return err ? -1 : n;
}

int64_t memory_max_map_count(void)
{
	char text[32];
	const char *p = text;
	uint64_t value;
	int fd = proc_open("/proc/sys/vm/max_map_count");

	if (fd < 0)
		return -1;
	int err = proc_read(fd, text, sizeof(text));

	close(fd);
	return err || proc_number(&p, &value) != 0 ? -1 : (int64_t)value;
}

/* Starts the process with the end of a pipe. 0 or -errno. */
static int start(const struct micro_run *r, int fd, pid_t *ret_pid)
{
	char threads[16], args[MICRO_ARGS][24];
	char *argv[MICRO_ARGS + 5] = {(char *)"allocrig-micro", (char *)MEMORY_ARGUMENT,
				      (char *)r->micro->name, threads};
	posix_spawn_file_actions_t actions;

	snprintf(threads, sizeof(threads), "%u", r->threads);
	for (unsigned i = 0; i < r->micro->nargs; i++) {
		snprintf(args[i], sizeof(args[i]), "%lld", (long long)r->args[i]);
		argv[4 + i] = args[i];
	}
	int err = posix_spawn_file_actions_init(&actions);

	if (err)
		return -err;
	err = posix_spawn_file_actions_adddup2(&actions, fd, MEMORY_RESULT_FD);
	if (!err)
		err = posix_spawn(ret_pid, "/proc/self/exe", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -err;
}

/* How many bytes came before the end. */
static size_t read_all(int fd, void *buf, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, (char *)buf + done, size - done);

		if (n <= 0 && !(n < 0 && errno == EINTR))
			break;
		done += n > 0 ? (size_t)n : 0;
	}
	return done;
}

/* Lasts until the next call. */
static const char *reason(const char *format, ...) __attribute__((format(printf, 1, 2)));

static const char *reason(const char *format, ...)
{
	static char why[MEMORY_WHY_MAX + 64];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return why;
}

static const char *ended(pid_t pid, const struct memory_result *result, bool complete)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return reason("memory: waitpid: %s", strerror(errno));
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		return reason("memory: not done after %d s", MEMORY_LIMIT_S);
	if (WIFSIGNALED(status))
		return reason("memory: killed by signal %d", WTERMSIG(status));
	if (!complete)
		return reason("memory: exit code %d without a result", WEXITSTATUS(status));
	if (result->why[0])
		return reason("memory: %.*s", MEMORY_WHY_MAX, result->why);
	return NULL;
}

static const char *measure(const struct micro_run *r, struct memory_result *ret)
{
	int fds[2];
	pid_t pid = -1;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return reason("memory: pipe: %s", strerror(errno));
	int err = start(r, fds[1], &pid);

	close(fds[1]);
	bool complete = !err && read_all(fds[0], ret, sizeof(*ret)) == sizeof(*ret);

	close(fds[0]);
	return err ? reason("memory: cannot start a process: %s", strerror(-err))
		   : ended(pid, ret, complete);
}

static double beyond(int64_t before, int64_t after)
{
	return after > before ? (double)(after - before) : 0;
}

static bool same_benchmark(const struct micro_run *a, const struct micro_run *b)
{
	return a->micro == b->micro && a->threads == b->threads &&
	       memcmp(a->args, b->args, sizeof(a->args)) == 0;
}

/*
 * Once in a repetition: the first is run with more and more iterations until they take long enough,
 * and the others with as many again.
 */
const char *memory_rows(struct gbench_state *s, const struct micro_run *r)
{
	static struct micro_run last;
	static struct memory_result m;
	static uint64_t last_total;
	bool again = same_benchmark(&last, r) && gbench_total(s) > last_total;
	const char *why = again ? NULL : measure(r, &m);

	if (why)
		return why;
	last = *r;
	last_total = gbench_total(s);
	gbench_row(s, "peak_maps", beyond(m.before.maps, m.peak.maps), "maps");
	gbench_row(s, "peak_rss_bytes", beyond(m.before.rss, m.peak.rss), "bytes");
	gbench_row(s, "kept_bytes", beyond(m.before.rss, m.after.rss), "bytes");
	return NULL;
}
