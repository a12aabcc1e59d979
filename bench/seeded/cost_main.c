/*
 * seeded-cost FILE.so...: what a pair of malloc and free costs in each, beside the first.
 *
 * Files take turns in windows of some 40 us, and of each the shortest window counts: what else the
 * machine does can only make one longer. Not for measuring allocators: one pattern, hot caches.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

#define FILES	16
#define TURNS	3000
#define PAIRS	2000
#define BATCH	200
#define PATTERN 2

struct subject {
	void *(*malloc)(size_t size);
	void (*free)(void *p);
	double ns[PATTERN]; /* a pair; the least */
};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void one_by_one(const struct subject *s)
{
	for (unsigned i = 0; i < PAIRS; i++)
		s->free(s->malloc(64));
}

static void in_batches(const struct subject *s)
{
	void *blocks[BATCH];

	for (unsigned round = 0; round < PAIRS / BATCH; round++) {
		for (unsigned i = 0; i < BATCH; i++)
			blocks[i] = s->malloc(16 + i);
		for (unsigned i = 0; i < BATCH; i++)
			s->free(blocks[i]);
	}
}

static void measure(struct subject *s)
{
	static void (*const patterns[PATTERN])(const struct subject *s) = {one_by_one, in_batches};

	for (unsigned i = 0; i < PATTERN; i++) {
		double begin = now_ns();

		patterns[i](s);
		double ns = (now_ns() - begin) / PAIRS;

		if (!s->ns[i] || ns < s->ns[i])
			s->ns[i] = ns;
	}
}

static int load(const char *path, struct subject *ret)
{
	void *file = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	struct subject s = {0};

	if (file) {
		s.malloc = (void *(*)(size_t))dlsym(file, "malloc");
		s.free = (void (*)(void *))dlsym(file, "free");
	}
	if (!s.malloc || !s.free) {
		fprintf(stderr, "seeded-cost: %s\n", dlerror());
		return -1;
	}
	*ret = s;
	return 0;
}

int main(int argc, char **argv)
{
	struct subject subjects[FILES];
	unsigned n = 0;

	for (int i = 1; i < argc && n < FILES; i++)
		if (load(argv[i], &subjects[n++]) != 0)
			return 2;
	for (unsigned turn = 0; turn < TURNS; turn++)
		for (unsigned i = 0; i < n; i++)
			measure(&subjects[i]);
	for (unsigned i = 0; i < n; i++)
		printf("%s: one block %.2f ns %+.1f %%, batches of %d %.2f ns %+.1f %%\n",
		       argv[i + 1], subjects[i].ns[0],
		       (subjects[i].ns[0] / subjects[0].ns[0] - 1) * 100, BATCH, subjects[i].ns[1],
		       (subjects[i].ns[1] / subjects[0].ns[1] - 1) * 100);
	return 0;
}
