#include "harness/cli/fuzz_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/cli/jobs.h"

static int open_file(struct fuzz_log *l)
{
	struct stat st;

	l->fd = open(l->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (l->fd < 0)
		return -errno;
	l->size = fstat(l->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	return 0;
}

int log_open(struct fuzz_log *l, const char *path)
{
	*l = (struct fuzz_log){.fd = -1};
	if (snprintf(l->path, sizeof(l->path), "%s", path) >= (int)sizeof(l->path))
		return -ENAMETOOLONG;
	return open_file(l);
}

void log_close(struct fuzz_log *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

void log_begin(struct fuzz_log *l)
{
	l->len = 0;
	l->last[0] = '\0';
}

static int rotate(struct fuzz_log *l)
{
	char old[PATH_MAX + 2];

	snprintf(old, sizeof(old), "%s.1", l->path);
	log_close(l);
	/* What cannot be put aside is emptied: the bound holds in any case. */
	if (rename(l->path, old) != 0 && truncate(l->path, 0) != 0 && errno != ENOENT)
		return -errno;
	return open_file(l);
}

bool log_number(const char *line, const char *word, uint64_t *ret_n)
{
	const char *at = strstr(line, word);

	if (!at)
		return false;
	at += strlen(word);
	if (*at < '0' || *at > '9')
		return false;
	*ret_n = strtoull(at, NULL, 10);
	return true;
}

static bool says_something(const char *line)
{
	return line[strspn(line, " \t\r")] != '\0';
}

static void understand(struct fuzz_log *l)
{
	l->line[l->len] = '\0';
	l->len = 0;
	if (!says_something(l->line))
		return;
	memcpy(l->last, l->line, sizeof(l->last));
	if (l->line[0] != '#')
		return;
	log_number(l->line, " cov: ", &l->coverage);
	log_number(l->line, " ft: ", &l->features);
	log_number(l->line, " corp: ", &l->corpus);
}

int log_feed(struct fuzz_log *l, const char *bytes, size_t len)
{
	int err = 0;

	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n')
			understand(l);
		else if (l->len < sizeof(l->line) - 1)
			l->line[l->len++] = bytes[i];
	}
	if (l->size + len > FUZZ_LOG_BYTES || l->fd < 0)
		err = rotate(l);
	if (!err)
		err = jobs_write(l->fd, bytes, len);
	if (!err)
		l->size += len;
	return err;
}
