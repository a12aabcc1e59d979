#include "bench/cost/guard_patterns.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SLOTS	    1024
#define THREADS_MAX 8
#define SIZES	    16384
#define HANG_S	    300
#define MAPS_EVERY  32	/* ops between two readings */
#define MAPS_PART   500 /* the ops are divided by this where maps are read */

struct worker {
	void *slots[SLOTS]; /* all empty again at the end */
	uint64_t random;
	size_t ops;
	double begin_ns, end_ns, begin_cpu_ns, end_cpu_ns;
};

struct pattern {
	const char *name;
	size_t ops; /* of each thread */
	void (*setup)(struct worker *w);
	void (*op)(struct worker *w);
};

struct maps {
	long count, bytes;
};

static struct worker workers[THREADS_MAX];
/* Not of the allocator, nor new maps in between. */
static unsigned char stacks[THREADS_MAX][256 << 10] __attribute__((aligned(4096)));
static _Atomic(void *) shared[SLOTS];
static uint16_t sizes[SIZES];
static pthread_barrier_t barrier;
static const struct pattern *pattern;
static struct maps before_work;
static _Atomic long peak_maps;
static bool reads_maps;

/* Reads with a buffer of its own: stdio would allocate. */
static struct maps maps_read(void)
{
	char buf[4096];
	struct maps m = {0, 0};
	unsigned long number[2] = {0, 0};
	unsigned field = 0;
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			int c = (unsigned char)buf[i];

			if (c == '\n') {
				m.count++;
				m.bytes += (long)(number[1] - number[0]);
				number[0] = number[1] = field = 0;
			} else if (field < 2 && (c == '-' || c == ' ')) {
				field++;
			} else if (field < 2) {
				number[field] = number[field] * 16 +
						(unsigned long)(c <= '9' ? c - '0' : c - 'a' + 10);
			}
		}
	}
	if (fd >= 0)
		close(fd);
	return m;
}

static void maps_sample(void)
{
	long now = maps_read().count - before_work.count, peak = atomic_load(&peak_maps);

	while (now > peak && !atomic_compare_exchange_weak(&peak_maps, &peak, now))
		;
}

static uint64_t next_random(struct worker *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random;
}

/*
 * 4 to 32768 bytes, as frequent as 1 / size^2: the inverse of the distribution function. In
 * advance, since dividing takes longer than allocating.
 */
static void sizes_fill(void)
{
	const double least = 4, most = 32768;

	for (size_t i = 0; i < SIZES; i++) {
		double u = ((double)i + 0.5) / SIZES;

		sizes[i] = (uint16_t)(1 / (1 / least - u * (1 / least - 1 / most)));
	}
}

static size_t next_size(struct worker *w)
{
	return sizes[next_random(w) % SIZES];
}

static void *allocate(size_t size)
{
	void *p = malloc(size);

	if (!p)
		abort();
	return p;
}

static void churn(struct worker *w)
{
	void **slot = &w->slots[next_random(w) % SLOTS];

	free(*slot);
	*slot = allocate(next_size(w));
}

static void churn_setup(struct worker *w)
{
	for (size_t i = 0; i < SLOTS; i++)
		w->slots[i] = allocate(next_size(w));
}

/* A block of another size class, so that the pairs are not all there is. */
static void pair_setup(struct worker *w)
{
	w->slots[0] = allocate(5000);
}

static void no_setup(struct worker *w)
{
	(void)w;
}

static void pair_64(struct worker *w)
{
	(void)w;
	free(allocate(64));
}

static void pair_64k(struct worker *w)
{
	(void)w;
	free(allocate(65536));
}

static void pair_300k(struct worker *w)
{
	char *p = allocate(300000);

	(void)w;
	*(volatile char *)p = 1;
	free(p);
}

/* Whoever comes next to a slot frees what another thread may have put there. */
static void hand_over(struct worker *w)
{
	char *p = allocate(16 + next_random(w) % 112);

	*(volatile char *)p = 1;
	free(atomic_exchange(&shared[next_random(w) % SLOTS], p));
}

static const struct pattern patterns[] = {
	{"churn", 5000000, churn_setup, churn},	     {"pair-64", 10000000, pair_setup, pair_64},
	{"pair-64-bare", 200000, no_setup, pair_64}, {"hand-over", 3000000, no_setup, hand_over},
	{"pair-64K", 3000000, pair_setup, pair_64k}, {"pair-300K", 60000, pair_setup, pair_300k},
};

static double now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Every thread keeps these times; those of the main one are the result. */
static void work(struct worker *w)
{
	void (*op)(struct worker *) = pattern->op;

	pthread_barrier_wait(&barrier);
	pattern->setup(w);
	pthread_barrier_wait(&barrier);
	w->begin_ns = now_ns(CLOCK_MONOTONIC);
	w->begin_cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	pthread_barrier_wait(&barrier); /* nobody begins before the clocks were read */
	for (size_t i = 0; i < w->ops; i++) {
		op(w);
		if (reads_maps && i % MAPS_EVERY == 0)
			maps_sample();
	}
	pthread_barrier_wait(&barrier);
	w->end_ns = now_ns(CLOCK_MONOTONIC);
	w->end_cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (size_t i = 0; i < SLOTS; i++) {
		free(w->slots[i]);
		free(atomic_exchange(&shared[i], NULL));
	}
	pthread_barrier_wait(&barrier);
}

static void *work_thread(void *arg)
{
	work(arg);
	pthread_barrier_wait(&barrier); /* idle until the maps are read */
	return NULL;
}

static int threads_start(pthread_t *ret_threads, unsigned threads)
{
	pthread_attr_t attr;

	if (pthread_barrier_init(&barrier, NULL, threads) != 0 || pthread_attr_init(&attr) != 0)
		return -1;
	for (unsigned i = 0; i < threads; i++)
		workers[i] = (struct worker){.random = 0x9e3779b97f4a7c15u * (i + 1),
					     .ops = pattern->ops / (reads_maps ? MAPS_PART : 1)};
	for (unsigned i = 1; i < threads; i++) {
		if (pthread_attr_setstack(&attr, stacks[i], sizeof(stacks[i])) != 0 ||
		    pthread_create(&ret_threads[i], &attr, work_thread, &workers[i]) != 0)
			return -1;
	}
	return 0;
}

static void fill_result(struct pattern_result *r, unsigned threads)
{
	const struct worker *w = &workers[0];
	struct maps left = maps_read();
	Dl_info info;

	r->wall_ns = (w->end_ns - w->begin_ns) / (double)w->ops;
	r->cpu_ns = (w->end_cpu_ns - w->begin_cpu_ns) / (double)(w->ops * threads);
	r->peak_maps = atomic_load(&peak_maps);
	r->left_maps = left.count - before_work.count;
	r->left_bytes = left.bytes - before_work.bytes;
	if (dladdr((void *)(uintptr_t)malloc, &info) && info.dli_fname)
		snprintf(r->served_by, sizeof(r->served_by), "%s", info.dli_fname);
}

int pattern_main(const char *name, unsigned threads, bool maps)
{
	struct pattern_result result = {0};
	pthread_t started[THREADS_MAX];

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		if (strcmp(patterns[i].name, name) == 0)
			pattern = &patterns[i];
	}
	alarm(HANG_S);
	reads_maps = maps;
	sizes_fill();
	if (!pattern || threads < 1 || threads > THREADS_MAX ||
	    threads_start(started, threads) != 0)
		return 2;
	before_work = maps_read();
	work(&workers[0]);
	fill_result(&result, threads);
	if (threads > 1)
		pthread_barrier_wait(&barrier);
	for (unsigned i = 1; i < threads; i++)
		pthread_join(started[i], NULL);
	return write(STDOUT_FILENO, &result, sizeof(result)) == (ssize_t)sizeof(result) ? 0 : 2;
}
