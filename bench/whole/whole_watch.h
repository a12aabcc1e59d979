/*
 * whole_watch.h - the processes that the launcher started and theirs, seen from outside.
 *
 * Resident bytes are read from statm, summed over all processes, and maps are counted: each every
 * 20 ms, or as often as it takes one part in 500 of the time. New processes are looked
 * for often at first. What comes and goes in between is not seen: peaks are lower bounds.
 */
#ifndef BENCH_WHOLE_WATCH_H
#define BENCH_WHOLE_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define WATCH_PROCESSES 64

struct watch {
	const char *inner; /* name of the process that counts; NULL: the first one */
	const char *file;  /* real path of the file that it has to have mapped; NULL: none */
	pid_t first;
	struct watched {
		pid_t pid;
		int statm_fd;
		bool counts;
	} processes[WATCH_PROCESSES];
	unsigned n;
	uint64_t next_rss_ns, next_maps_ns, next_tree_ns, tree_pause_ns;
	/* What was seen. */
	int64_t peak_rss;  /* of all processes at one moment, bytes; -1: nothing */
	int64_t peak_maps; /* of the process that has most; [vsyscall] is none */
	int64_t rss_samples, maps_samples;
	int file_seen; /* in the process that counts; -1: its maps were never read */
};

uint64_t watch_now_ns(void);

/* `first` has to have its program already (exec). */
void watch_begin(struct watch *w, pid_t first);
void watch_end(struct watch *w);

/* Does what is due; the milliseconds until the next look. */
int watch_tick(struct watch *w);

/* Exactly now, of one process: bytes and maps, -1 where it cannot be read. */
void watch_read(struct watch *w, pid_t pid, int64_t *ret_rss, int64_t *ret_maps);

/* Kills every process whose parent is this one. How many there were. */
unsigned watch_kill_children(void);

#endif
