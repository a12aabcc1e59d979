#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/launch/launch.h"
#include "bench/launch/launch_spawn.h"

#define LIST_BYTES_MAX 65536
#define LIST_MS_MAX    10000

/* All that it says until it closes its output. -errno. */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	size_t used = 0;

	for (;;) {
		int n = poll(&p, 1, LIST_MS_MAX);

		if (n == 0)
			return -ETIMEDOUT;
		if (n < 0 && errno != EINTR)
			return -errno;
		ssize_t got = read(fd, buf + used, size - 1 - used);

		if (got == 0)
			break;
		if (got > 0)
			used += (size_t)got;
		else if (errno != EINTR && errno != EAGAIN)
			return -errno;
		if (used == size - 1)
			return -E2BIG;
	}
	buf[used] = '\0';
	return (ssize_t)used;
}

/* "name \t threads \t only_fixed \t summary". What is no such line is the linker's. */
static bool parse_line(char *line, struct workload_info *ret)
{
	char *name = strsep(&line, "\t"), *threads = strsep(&line, "\t");
	char *fixed = strsep(&line, "\t"), *end;

	if (!line || !*name || strlen(name) >= sizeof(ret->name))
		return false;
	unsigned long n = strtoul(threads, &end, 10);

	if (end == threads || *end || n > BENCH_LANES)
		return false;
	*ret = (struct workload_info){.threads = (unsigned)n,
				      .only_fixed = strcmp(fixed, "1") == 0};
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	snprintf(ret->summary, sizeof(ret->summary), "%s", line);
	return true;
}

static int parse_all(char *text, struct workload_info *ret, unsigned most)
{
	unsigned n = 0;
	char *line;

	while (n < most && (line = strsep(&text, "\n")))
		n += parse_line(line, &ret[n]);
	return (int)n;
}

int launch_list(const char *program, struct workload_info *ret, unsigned most)
{
	struct launch_spawn spawn = {
		.program = program, .word = "--list", .preload = "", .page_fd = -1};
	char *text = malloc(LIST_BYTES_MAX);
	struct launched child;
	int status = 0, err = text ? launch_spawn(&spawn, &child) : -ENOMEM;

	if (err) {
		free(text);
		return err;
	}
	ssize_t len = read_all(child.output_fd, text, LIST_BYTES_MAX);

	if (len < 0)
		kill(child.pid, SIGKILL);
	while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR)
		;
	launched_release(&child);
	if (len >= 0)
		len = status ? -EIO : parse_all(text, ret, most);
	free(text);
	return (int)len;
}
