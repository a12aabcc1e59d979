#include "bench/launch/launch_meter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <fcntl.h>

#include "harness/kernel/proc.h"

#define TAIL_BYTES 16 /* of "[vsyscall]\n" */

static const struct memory unknown = {-1, -1, -1, -1, -1};

static int open_file(const struct meter *m, const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)m->pid, name);
	return open(path, flags | O_CLOEXEC);
}

/* False: there is no such file, or the process is gone. */
static bool read_file(const struct meter *m, const char *name, char *buf, size_t size)
{
	int fd = open_file(m, name, O_RDONLY);
	bool is_read = fd >= 0 && proc_read(fd, buf, size) == 0 && buf[0];

	if (fd >= 0)
		close(fd);
	return is_read;
}

int meter_init(struct meter *m, pid_t pid)
{
	*m = (struct meter){.pid = pid, .page = sysconf(_SC_PAGESIZE)};
	m->statm_fd = open_file(m, "statm", O_RDONLY);
	return m->statm_fd < 0 ? -errno : 0;
}

void meter_release(struct meter *m)
{
	if (m->statm_fd >= 0)
		close(m->statm_fd);
	m->statm_fd = -1;
}

struct memory meter_quick(const struct meter *m)
{
	struct memory now = unknown;
	uint64_t size, resident;
	char text[128];
	const char *p = text;

	/* A process that is about to end has no memory any more: zeros. */
	if (proc_read(m->statm_fd, text, sizeof(text)) != 0 || proc_number(&p, &size) != 0 ||
	    proc_number(&p, &resident) != 0 || !size)
		return now;
	now.mapped = (int64_t)size * m->page;
	now.rss = (int64_t)resident * m->page;
	return now;
}

static int64_t newlines(const char *text, size_t len)
{
	int64_t n = 0;

	for (const char *p = text; (p = memchr(p, '\n', len - (size_t)(p - text))); p++)
		n++;
	return n;
}

/* Keeps the last bytes of all that was read. */
static void keep_tail(char tail[TAIL_BYTES + 1], const char *text, size_t len)
{
	size_t old = strlen(tail), room = len < TAIL_BYTES ? TAIL_BYTES - len : 0;

	if (len > TAIL_BYTES) {
		text += len - TAIL_BYTES;
		len = TAIL_BYTES;
	}
	if (old > room)
		memmove(tail, tail + old - room, room);
	old = old < room ? old : room;
	memcpy(tail + old, text, len);
	tail[old + len] = '\0';
}

int64_t meter_maps(const struct meter *m)
{
	char buf[16384], tail[TAIL_BYTES + 1] = "";
	int fd = open_file(m, "maps", O_RDONLY);
	int64_t n = 0;
	ssize_t got;

	if (fd < 0)
		return -1;
	while ((got = read(fd, buf, sizeof(buf))) > 0 || (got < 0 && errno == EINTR)) {
		if (got < 0)
			continue;
		n += newlines(buf, (size_t)got);
		keep_tail(tail, buf, (size_t)got);
	}
	close(fd);
	if (got < 0 || !n)
		return -1;
	return n - (strstr(tail, "[vsyscall]\n") != NULL);
}

struct memory meter_exact(const struct meter *m)
{
	struct memory now = meter_quick(m);
	char text[4096];

	now.maps = meter_maps(m);
	if (!read_file(m, "smaps_rollup", text, sizeof(text)))
		return now;
	proc_kilobytes(text, "Rss:", &now.rss);
	proc_kilobytes(text, "LazyFree:", &now.lazyfree);
	proc_kilobytes(text, "AnonHugePages:", &now.anon_huge);
	return now;
}

struct memory_peaks meter_peaks(const struct meter *m)
{
	struct memory_peaks p = {-1, -1};
	char text[8192];

	if (!read_file(m, "status", text, sizeof(text)))
		return p;
	proc_kilobytes(text, "VmHWM:", &p.rss);
	proc_kilobytes(text, "VmPeak:", &p.mapped);
	return p;
}

bool meter_reset_peak(const struct meter *m)
{
	int fd = open_file(m, "clear_refs", O_WRONLY);
	bool is_reset = fd >= 0 && write(fd, "5", 1) == 1;

	if (fd >= 0)
		close(fd);
	return is_reset;
}
