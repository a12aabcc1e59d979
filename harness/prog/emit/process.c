#include "harness/prog/emit/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/prog/emit/say.h"

#define STATUS "/proc/self/status"
#define ROLLUP "/proc/self/smaps_rollup"

static int64_t anonhuge_start, lazyfree_start, locked_start, vmdata_start;

static int64_t bytes_of(const char *path, const char *name)
{
	static char text[8192];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	long kilobytes;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	const char *line = strstr(text, name);

	if (!line || sscanf(line + strlen(name), " %ld", &kilobytes) != 1)
		return NOT_KNOWN;
	return kilobytes * 1024;
}

static int64_t since(int64_t first, int64_t now)
{
	return first == NOT_KNOWN || now == NOT_KNOWN ? NOT_KNOWN : now - first;
}

void process_start(void)
{
	anonhuge_start = bytes_of(ROLLUP, "AnonHugePages:");
	lazyfree_start = bytes_of(ROLLUP, "LazyFree:");
	locked_start = bytes_of(STATUS, "VmLck:");
	vmdata_start = bytes_of(STATUS, "VmData:");
}

int64_t anonhuge(void)
{
	return since(anonhuge_start, bytes_of(ROLLUP, "AnonHugePages:"));
}

int64_t lazyfree(void)
{
	return since(lazyfree_start, bytes_of(ROLLUP, "LazyFree:"));
}

int64_t locked(void)
{
	return since(locked_start, bytes_of(STATUS, "VmLck:"));
}

int64_t vmdata(void)
{
	return since(vmdata_start, bytes_of(STATUS, "VmData:"));
}
