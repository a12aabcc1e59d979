#include "bench/whole/whole_watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LEAST_NS     20000000u /* between two looks: waking up is what costs most */
#define COST_SHARE   500       /* each sort of look takes one part in so many of the time */
#define TREE_MOST_NS 250000000u
#define MAPS_BYTES   (16u << 20)

/* Of one process: 65 thousand maps with long paths. Untouched pages cost nothing. */
static char text[MAPS_BYTES];

uint64_t watch_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int open_proc(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* The whole of a file of /proc, NUL-terminated; its length or -1. */
static ssize_t read_proc(pid_t pid, const char *name, char *buf, size_t size)
{
	int fd = open_proc(pid, name);
	size_t len = 0;
	ssize_t n = -1;

	if (fd < 0)
		return -1;
	while (len + 1 < size && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	buf[len] = '\0';
	return n < 0 && len == 0 ? -1 : (ssize_t)len;
}

static int64_t statm_rss(int fd)
{
	char buf[128], *at = buf;
	ssize_t n = pread(fd, buf, sizeof(buf) - 1, 0);

	if (n <= 0)
		return -1;
	buf[n] = '\0';
	strtoull(at, &at, 10);
	return (int64_t)strtoull(at, NULL, 10) * sysconf(_SC_PAGESIZE);
}

/* VMAs; whether the file is among them. -1: the process is gone, or another one's. */
static int64_t read_maps(pid_t pid, const char *file, int *ret_seen)
{
	ssize_t len = read_proc(pid, "maps", text, sizeof(text));
	int64_t lines = 0;

	if (len <= 0)
		return -1;
	for (const char *at = text; (at = memchr(at, '\n', (size_t)(text + len - at))); at++)
		lines++;
	/* What is preloaded is mapped before libc: without that the loader is still at work. */
	if (file && *ret_seen != 1 && strstr(text, "/libc.so")) {
		const char *at = strstr(text, file);

		*ret_seen =
			at && at > text && at[-1] == ' ' && strchr("\n ", at[strlen(file)]) != NULL;
	}
	return lines - (strstr(text, "[vsyscall]") != NULL);
}

static struct watched *process_of(struct watch *w, pid_t pid)
{
	for (unsigned i = 0; i < w->n; i++) {
		if (w->processes[i].pid == pid)
			return &w->processes[i];
	}
	return NULL;
}

static void add_process(struct watch *w, pid_t pid)
{
	if (w->n < WATCH_PROCESSES)
		w->processes[w->n++] = (struct watched){pid, open_proc(pid, "statm"), false};
}

static void drop_process(struct watch *w, unsigned i)
{
	if (w->processes[i].statm_fd >= 0)
		close(w->processes[i].statm_fd);
	w->processes[i] = w->processes[--w->n];
}

/* From "PID (COMM) STATE PPID ...": COMM may hold anything. -1: gone. */
static pid_t parent_of(pid_t pid)
{
	char stat[512];
	ssize_t len = read_proc(pid, "stat", stat, sizeof(stat));
	char *end = len > 0 ? strrchr(stat, ')') : NULL;

	return end && strlen(end) > 4 ? (pid_t)strtol(end + 4, NULL, 10) : -1;
}

static bool has_name(pid_t pid, const char *name)
{
	char comm[32];
	ssize_t len = read_proc(pid, "comm", comm, sizeof(comm));

	if (len > 0 && comm[len - 1] == '\n')
		comm[len - 1] = '\0';
	return len > 0 && strcmp(comm, name) == 0;
}

/* Calls `see` for every process whose number is above `above`. */
static void each_process(pid_t above, void (*see)(void *ctx, pid_t pid), void *ctx)
{
	DIR *dir = opendir("/proc");
	const struct dirent *e;

	if (!dir)
		return;
	while ((e = readdir(dir))) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

		if (pid > above)
			see(ctx, pid);
	}
	closedir(dir);
}

static void see_process(void *ctx, pid_t pid)
{
	struct watch *w = ctx;

	if (process_of(w, pid))
		return;
	pid_t parent = parent_of(pid);

	if (parent > 0 && (parent == getpid() || process_of(w, parent)))
		add_process(w, pid);
}

/* Numbers rise, so those who came later have higher ones, until the numbers begin anew. */
static void look_for_processes(struct watch *w)
{
	each_process(w->first, see_process, w);
	for (unsigned i = 0; i < w->n; i++)
		w->processes[i].counts = w->inner ? has_name(w->processes[i].pid, w->inner)
						  : w->processes[i].pid == w->first;
}

static void look_at_rss(struct watch *w)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < w->n;) {
		int64_t rss = statm_rss(w->processes[i].statm_fd);

		if (rss < 0) {
			drop_process(w, i);
			continue;
		}
		sum += rss;
		i++;
	}
	w->rss_samples++;
	w->peak_rss = sum > w->peak_rss ? sum : w->peak_rss;
}

static void look_at_maps(struct watch *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		struct watched *p = &w->processes[i];
		int64_t maps = read_maps(p->pid, p->counts ? w->file : NULL, &w->file_seen);

		w->peak_maps = maps > w->peak_maps ? maps : w->peak_maps;
	}
	w->maps_samples++;
}

/* Not of the wall clock: a look that had to wait for a processor cost nobody anything. */
static uint64_t cpu_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* When a look is due again that cost so much. */
static uint64_t after(uint64_t cost_ns)
{
	uint64_t pause = cost_ns * COST_SHARE;

	return watch_now_ns() + (pause > LEAST_NS ? pause : LEAST_NS);
}

void watch_begin(struct watch *w, pid_t first)
{
	w->first = first;
	w->n = 0;
	w->peak_rss = w->peak_maps = -1;
	w->file_seen = -1;
	w->tree_pause_ns = LEAST_NS / 2;
	w->next_rss_ns = w->next_maps_ns = w->next_tree_ns = watch_now_ns();
	add_process(w, first);
}

void watch_end(struct watch *w)
{
	while (w->n)
		drop_process(w, 0);
}

int watch_tick(struct watch *w)
{
	uint64_t now = watch_now_ns(), cpu;

	if (now >= w->next_tree_ns) {
		look_for_processes(w);
		/* Processes are started early or hardly at all. */
		w->tree_pause_ns =
			w->tree_pause_ns < TREE_MOST_NS ? 2 * w->tree_pause_ns : TREE_MOST_NS;
		w->next_tree_ns = now + w->tree_pause_ns;
	}
	if (now >= w->next_rss_ns) {
		cpu = cpu_now_ns();
		look_at_rss(w);
		w->next_rss_ns = after(cpu_now_ns() - cpu);
	}
	if (now >= w->next_maps_ns) {
		cpu = cpu_now_ns();
		look_at_maps(w);
		w->next_maps_ns = after(cpu_now_ns() - cpu);
	}
	now = watch_now_ns();
	return w->next_rss_ns > now ? (int)((w->next_rss_ns - now) / 1000000u) + 1 : 1;
}

void watch_read(struct watch *w, pid_t pid, int64_t *ret_rss, int64_t *ret_maps)
{
	int fd = open_proc(pid, "statm");

	*ret_rss = statm_rss(fd);
	if (fd >= 0)
		close(fd);
	*ret_maps = read_maps(pid, NULL, NULL);
	w->peak_maps = *ret_maps > w->peak_maps ? *ret_maps : w->peak_maps;
}

static void kill_child(void *ctx, pid_t pid)
{
	unsigned *n = ctx;

	if (parent_of(pid) == getpid() && kill(pid, SIGKILL) == 0)
		++*n;
}

unsigned watch_kill_children(void)
{
	unsigned n = 0;

	each_process(0, kill_child, &n);
	return n;
}
