#include "bench/micro/memory_child.h"

#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/micro/memory.h"
#include "harness/kernel/accounts.h"
#include "harness/kernel/proc.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define ROUNDS 3

/* What of this program can be written to, from the C start-up and the linker. */
extern char __data_start[], _end[];

static struct micro_run runs[MICRO_THREADS];
static const char *whys[MICRO_THREADS];
static pthread_barrier_t barrier;

static int read_text(const char *path, char *buf, size_t size)
{
	int fd = proc_open(path);

	if (fd < 0)
		return fd;
	int err = proc_read(fd, buf, size);

	close(fd);
	return err;
}

/* -1: not known. */
static int64_t rss_now(void)
{
	char text[128];
	const char *p = text;
	uint64_t pages;

	if (read_text("/proc/self/statm", text, sizeof(text)) != 0 ||
	    proc_number(&p, &pages) != 0 || proc_number(&p, &pages) != 0)
		return -1;
	return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static int64_t rss_peak(void)
{
	static char text[8192];
	int64_t bytes;

	if (read_text("/proc/self/status", text, sizeof(text)) != 0 ||
	    proc_kilobytes(text, "VmHWM:", &bytes) != 0)
		return -1;
	return bytes;
}

/* The high-water mark starts again from what is resident. */
static bool rss_peak_reset(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, "5", 1) == 1;

	if (fd >= 0)
		close(fd);
	return done;
}

static struct memory_moment moment_now(void)
{
	return (struct memory_moment){.maps = memory_maps(), .rss = rss_now()};
}

static int populate_image(struct dl_phdr_info *info, size_t size, void *ctx)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)ctx;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uintptr_t start = (info->dlpi_addr + p->p_vaddr) & ~(page - 1);

		if (p->p_type == PT_LOAD && !(p->p_flags & PF_W))
			madvise((void *)start, info->dlpi_addr + p->p_vaddr + p->p_memsz - start,
				MADV_POPULATE_READ);
	}
	return 0;
}

/*
 * Code and constants of all files, and the arrays of this program, are in memory from the start
 * and not from whenever they are first used. Without it (an older kernel) they are in the numbers.
 */
static void populate(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE),
		  start = (uintptr_t)__data_start & ~(page - 1);

	dl_iterate_phdr(populate_image, NULL);
	madvise((void *)start, (uintptr_t)_end - start, MADV_POPULATE_WRITE);
}

/* Else small mappings land between libraries, and whether they merge with those is luck. */
static int plug(void)
{
	static struct arena arena;
	struct accounts *accounts = NULL;
	int err = arena_init(&arena, accounts_arena_bytes());

	if (!err)
		err = accounts_new(&arena, &accounts);
	if (!err)
		err = accounts_plug(accounts);
	accounts_free(accounts);
	return err;
}

static void raise_to(int64_t *peak, int64_t value)
{
	if (value > *peak)
		*peak = value;
}

/* Thread 0 looks, while the others stand still. */
static void look(unsigned thread, struct memory_result *result)
{
	pthread_barrier_wait(&barrier);
	if (thread == 0) {
		struct memory_moment now = moment_now();

		raise_to(&result->peak.maps, now.maps);
		raise_to(&result->peak.rss, now.rss);
	}
	pthread_barrier_wait(&barrier);
}

static struct memory_result result;

static void rounds(const struct micro_run *r)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		const char *why = r->micro->hold(r);

		if (why)
			whys[r->thread] = why;
		look(r->thread, &result);
		r->micro->drop(r);
		pthread_barrier_wait(&barrier);
	}
}

static void *thread_main(void *arg)
{
	const struct micro_run *r = arg;

	pthread_barrier_wait(&barrier);
	rounds(r);
	/* It keeps its caches until the end was looked at. */
	pthread_barrier_wait(&barrier);
	return NULL;
}

static const char *threads_start(const struct micro_run *first, pthread_t *ret_threads)
{
	if (pthread_barrier_init(&barrier, NULL, first->threads) != 0)
		return "no barrier";
	for (unsigned i = 0; i < first->threads; i++) {
		runs[i] = *first;
		runs[i].thread = i;
		if (i > 0 && pthread_create(&ret_threads[i], NULL, thread_main, &runs[i]) != 0)
			return "no thread";
	}
	return NULL;
}

static const char *measure(const struct micro_run *first)
{
	pthread_t threads[MICRO_THREADS];
	const char *why = threads_start(first, threads);

	if (why)
		return why;
	populate();
	if (plug() != 0)
		return "the holes between mappings could not be plugged";
	/* What looking itself needs is there from now on. */
	moment_now();
	rss_peak();
	bool reset = rss_peak_reset();

	result.before = result.peak = moment_now();
	if (result.before.maps < 0 || result.before.rss < 0)
		return "/proc cannot be read";
	pthread_barrier_wait(&barrier);
	rounds(&runs[0]);
	result.after = moment_now();
	if (reset)
		raise_to(&result.peak.rss, rss_peak());
	pthread_barrier_wait(&barrier);
	for (unsigned i = 1; i < first->threads; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < first->threads; i++) {
		if (whys[i])
			why = whys[i];
	}
	return why;
}

static const char *parse(int argc, char **argv, struct micro_run *ret)
{
	ret->micro = argc > 3 ? micro_find(argv[2]) : NULL;
	if (!ret->micro || argc != 4 + (int)ret->micro->nargs)
		return "bad arguments";
	ret->threads = (unsigned)strtoul(argv[3], NULL, 10);
	if (ret->threads < 1 || ret->threads > MICRO_THREADS)
		return "bad number of threads";
	for (unsigned i = 0; i < ret->micro->nargs && i < MICRO_ARGS; i++)
		ret->args[i] = strtoll(argv[4 + i], NULL, 10);
	return NULL;
}

int memory_main(int argc, char **argv)
{
	struct micro_run r = {0};
	const char *why = parse(argc, argv, &r);

	alarm(MEMORY_LIMIT_S);
	if (!why)
		why = measure(&r);
	if (why)
		snprintf(result.why, sizeof(result.why), "%s", why);
	/* Threads that wait for ones that could not start end with the process. */
	_exit(write(MEMORY_RESULT_FD, &result, sizeof(result)) == (ssize_t)sizeof(result) ? 0 : 2);
}
