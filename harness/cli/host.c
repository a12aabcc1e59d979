#include "harness/cli/host.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness/kernel/accounts.h"

static void read_thp(char *buf, size_t size)
{
	char text[128] = "";
	FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");

	if (f && fgets(text, sizeof(text), f)) {
		char *from = strchr(text, '[');

		if (from)
			snprintf(buf, size, "%.*s", (int)strcspn(from + 1, "]"), from + 1);
	}
	if (f)
		fclose(f);
}

static void read_cpu(char *buf, size_t size)
{
	char line[512];
	FILE *f = fopen("/proc/cpuinfo", "re");

	while (f && fgets(line, sizeof(line), f)) {
		const char *value = strchr(line, ':');

		if (value && strncmp(line, "model name", 10) == 0) {
			value += strspn(value, ": \t");
			snprintf(buf, size, "%.*s", (int)strcspn(value, "\n"), value);
			break;
		}
	}
	if (f)
		fclose(f);
}

void host_read(struct host *ret_host)
{
	struct utsname u;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	*ret_host = (struct host){
		.max_map_count = accounts_max_map_count(),
		.cpus = cpus > 0 ? (unsigned)cpus : 0,
	};
	if (uname(&u) == 0)
		snprintf(ret_host->kernel, sizeof(ret_host->kernel), "%s", u.release);
	read_thp(ret_host->thp, sizeof(ret_host->thp));
	read_cpu(ret_host->cpu, sizeof(ret_host->cpu));
}
