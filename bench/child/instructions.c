#include "bench/child/instructions.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

static int counter = -1;

void instructions_open(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.inherit = 1,
		.exclude_kernel = 1,
		.exclude_hv = 1,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING,
	};

	counter = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

uint64_t instructions_read(void)
{
	struct {
		uint64_t value, enabled, running;
	} got;

	if (counter < 0 || read(counter, &got, sizeof(got)) != (ssize_t)sizeof(got))
		return UINT64_MAX;
	/* Shared with others' counters it would be an estimate. */
	return got.enabled == got.running && got.running ? got.value : UINT64_MAX;
}
