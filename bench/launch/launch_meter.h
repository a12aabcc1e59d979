/*
 * launch_meter.h - the memory of another process, as the kernel tells it.
 *
 * No stdio and no allocation between readings. What is not known is -1.
 */
#ifndef BENCH_LAUNCH_METER_H
#define BENCH_LAUNCH_METER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct memory {
	int64_t rss, mapped; /* bytes */
	int64_t maps;	     /* VMAs */
	int64_t lazyfree, anon_huge;
};

/* The highest so far, since the process started or rss was reset. */
struct memory_peaks {
	int64_t rss, mapped;
};

struct meter {
	pid_t pid;
	int statm_fd; /* -1: not open */
	int64_t page;
};

/* 0 or -errno. */
int meter_init(struct meter *m, pid_t pid);
void meter_release(struct meter *m);

/* rss and mapped, of statm: microseconds, but rss may lag behind on some kernels (KERNEL.md). */
struct memory meter_quick(const struct meter *m);

/* Lines of maps less [vsyscall]: milliseconds where there are many. */
int64_t meter_maps(const struct meter *m);

/* All: rss of smaps_rollup, of statm where there is none. For a process that stands still. */
struct memory meter_exact(const struct meter *m);

/* VmHWM and VmPeak. */
struct memory_peaks meter_peaks(const struct meter *m);

/* The peak of rss begins again with what is resident now. False: not allowed here. */
bool meter_reset_peak(const struct meter *m);

#endif
