#include "harness/cli/sweep_jobs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/cli/jobs.h"

#define JOBS_PER_PROCESSOR 8 /* the watchdog's time goes on for those that wait, too */

/* The number behind `word` at the beginning of a line; UINT64_MAX where there is none. */
static uint64_t number_in(const char *path, const char *word)
{
	char line[256];
	size_t len = strlen(word);
	uint64_t n = UINT64_MAX, found;
	FILE *f = fopen(path, "re");

	while (f && n == UINT64_MAX && fgets(line, sizeof(line), f))
		if (strncmp(line, word, len) == 0 && sscanf(line + len, "%" SCNu64, &found) == 1)
			n = found;
	if (f)
		fclose(f);
	return n;
}

static uint64_t free_bytes(void)
{
	uint64_t kib = number_in("/proc/meminfo", "MemAvailable:");
	uint64_t most = number_in("/sys/fs/cgroup/memory.max", "");
	uint64_t used = number_in("/sys/fs/cgroup/memory.current", "");
	uint64_t bytes = kib < UINT64_MAX >> 10 ? kib << 10 : UINT64_MAX;
	uint64_t left = most == UINT64_MAX || used == UINT64_MAX ? UINT64_MAX
			: used < most				 ? most - used
								 : 0;

	return left < bytes ? left : bytes;
}

struct sweep_room sweep_room(void)
{
	return (struct sweep_room){.processors = jobs_processors(), .free_bytes = free_bytes()};
}

unsigned sweep_jobs(const struct sweep_cost *cost, const struct sweep_room *room)
{
	double work = cost->cpu_ns ? (double)cost->cpu_ns : 1;
	double each = 1 + (double)cost->slept_ns / work;

	if (each > JOBS_PER_PROCESSOR)
		each = JOBS_PER_PROCESSOR;
	uint64_t n = (uint64_t)(each * room->processors);

	if (cost->resident_bytes && n > room->free_bytes / 2 / (2 * cost->resident_bytes))
		n = room->free_bytes / 2 / (2 * cost->resident_bytes);
	return n ? (unsigned)n : 1;
}
