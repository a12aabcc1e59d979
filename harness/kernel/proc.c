#include "harness/kernel/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int proc_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	int high = fcntl(fd, F_DUPFD_CLOEXEC, PROC_FD_FROM);

	if (high < 0) /* RLIMIT_NOFILE is lower */
		return fd;
	close(fd);
	return high;
}

ssize_t proc_pread(int fd, void *buf, size_t size, uint64_t offset)
{
	for (;;) {
		ssize_t n = pread(fd, buf, size, (off_t)offset);

		if (n >= 0)
			return n;
		if (errno != EINTR)
			return -errno;
	}
}

int proc_read(int fd, char *buf, size_t size)
{
	size_t used = 0;

	while (used < size - 1) {
		ssize_t n = proc_pread(fd, buf + used, size - 1 - used, used);

		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	buf[used] = '\0';
	return 0;
}

int proc_number(const char **p, uint64_t *ret_value)
{
	const char *s = *p;
	uint64_t value = 0;

	while (*s == ' ' || *s == '\t')
		s++;
	if (*s < '0' || *s > '9')
		return -EBADMSG;
	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*s - '0'), &value))
			return -EBADMSG;
	*p = s;
	*ret_value = value;
	return 0;
}

int proc_kilobytes(const char *text, const char *key, int64_t *ret_bytes)
{
	size_t len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) != 0)
			continue;
		const char *p = line + len;
		uint64_t value;
		int err = proc_number(&p, &value);

		if (err)
			return err;
		if (value > INT64_MAX / 1024)
			return -EBADMSG;
		*ret_bytes = (int64_t)value * 1024;
		return 0;
	}
	return -ENODATA;
}
