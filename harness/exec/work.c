#include "harness/exec/work.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/exec/shared.h"

/* Into buf, NUL-terminated; empty when it cannot be read. */
static void read_text(const char *path, char *buf, size_t size)
{
	buf[0] = '\0';
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	ssize_t n = read(fd, buf, size - 1);

	buf[n > 0 ? n : 0] = '\0';
	close(fd);
}

static void read_proc(pid_t pid, const char *name, char *buf, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	read_text(path, buf, size);
}

static uint64_t highest_resident_kib(pid_t pid)
{
	char text[4096];
	uint64_t kib;

	read_proc(pid, "status", text, sizeof(text));
	const char *line = strstr(text, "\nVmHWM:");

	return line && sscanf(line + 7, "%" SCNu64, &kib) == 1 ? kib : 0;
}

/* utime and stime are the 12th and 13th field behind the name, which may hold anything. */
static uint64_t processor_ticks(pid_t pid)
{
	char text[1024];
	uint64_t user, sys;

	read_proc(pid, "stat", text, sizeof(text));
	const char *end = strrchr(text, ')');

	if (!end ||
	    sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64,
		   &user, &sys) != 2)
		return 0;
	return user + sys;
}

uint64_t work_done(pid_t pid, unsigned phase)
{
	return phase == PHASE_CALL ? highest_resident_kib(pid) : processor_ticks(pid);
}

uint64_t oom_kills(void)
{
	char text[16384];
	uint64_t kills;

	read_text("/proc/vmstat", text, sizeof(text));
	const char *line = strstr(text, "\noom_kill ");

	return line && sscanf(line + 10, "%" SCNu64, &kills) == 1 ? kills : OOM_UNKNOWN;
}
