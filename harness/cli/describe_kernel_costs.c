/*
 * describe_kernel_costs.c - what calls and faults cost: medians, so that one interruption does not
 * count. The processes have no huge pages, which would be measured in the place of small ones.
 */
#include "harness/cli/describe_kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/cli/describe_kernel_child.h"
#include "harness/kernel/proc.h"
#include "harness/kernel/procmap.h"

#define SECONDS	      8
#define RW	      (PROT_READ | PROT_WRITE)
#define SAMPLES	      33
#define FORK_SAMPLES  9
#define MOST_SAMPLES  SAMPLES
#define BATCH	      64
#define PAGES	      256
#define FEW_MAPS      1000
#define MANY_MAPS     10000
#define FORK_PAGES    4096
#define FORK_PAGES_1K (FORK_PAGES / 1000.0)

enum cost {
	COST_MAP_UNMAP,
	COST_TOUCH,
	COST_READ,
	COST_POPULATE,
	COST_UNMAP_PAGE,
	COST_DONTNEED_PAGE,
	COST_SPLIT_JOIN,
	COST_QUERY,
	COST_QUERY_MANY,
	COST_READ_MAP,
	COST_FORK,
	COST_FORK_FEW,
	COST_FORK_MANY,
	COST_FORK_MAP,
	COST_FORK_PAGES,
	COSTS
};

#define EACH_PAGE " of 33 samples of 256 pages"

static const struct row_words words[] = {
	[COST_MAP_UNMAP] = {"map-unmap", "mmap and munmap of a page, untouched",
			    "median of 33 samples of 64 pairs"},
	[COST_TOUCH] = {"touch", "first write to a page (fault)", "median" EACH_PAGE},
	[COST_READ] = {"read", "first read of a page (fault)", "median" EACH_PAGE},
	[COST_POPULATE] = {"populate", "a page with MAP_POPULATE, mmap and all",
			   "median" EACH_PAGE},
	[COST_UNMAP_PAGE] = {"unmap-page", "munmap, each resident page", "median" EACH_PAGE},
	[COST_DONTNEED_PAGE] = {"dontneed-page", "MADV_DONTNEED, each resident page",
				"median" EACH_PAGE},
	[COST_SPLIT_JOIN] = {"split-join", "mprotect that splits in three, and one that joins",
			     "median of 33 samples of 64 pairs"},
	[COST_QUERY] = {"procmap-query", "PROCMAP_QUERY", "median of 33 samples of 64 calls"},
	[COST_QUERY_MANY] = {"procmap-query-10k", "PROCMAP_QUERY at 10000 maps",
			     "median of 33 samples of 64 calls"},
	[COST_READ_MAP] = {"read-maps", "reading /proc/self/maps, each map",
			   "median of 9 readings at 10000 maps more, by the number of maps"},
	[COST_FORK] = {"fork", "fork, exit and wait, as small as it gets", "median of 9"},
	[COST_FORK_FEW] = {"fork-1k", "the same with 1000 maps more", "median of 9"},
	[COST_FORK_MANY] = {"fork-10k", "the same with 10000 maps more", "median of 9"},
	[COST_FORK_MAP] = {"fork-map", "fork, each map",
			   "the difference of 10000 and none, by their number"},
	[COST_FORK_PAGES] = {"fork-1k-pages", "fork, each 1000 resident pages",
			     "median of 9 with 4096 touched pages less that without"},
};

_Static_assert(COSTS <= KERNEL_COSTS, "each has a row");

const struct row_words *kernel_cost_words(size_t index)
{
	return index < COSTS ? &words[index] : NULL;
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

struct costs {
	struct kernel_description *d;
	struct stage stage;
};

/* Takes one sample: nanoseconds in all. 0 or -errno. */
typedef int (*sample_fn)(const struct stage *s, int64_t *ret_ns);

/* The median of `samples`, divided by what one of them is of. 0 or -errno. */
static int median(const struct stage *s, sample_fn sample, unsigned samples, double parts,
		  double *ret_ns)
{
	int64_t ns[MOST_SAMPLES];

	for (unsigned i = 0; i < samples; i++) {
		int err = sample(s, &ns[i]);

		if (err)
			return err;
	}
	qsort(ns, samples, sizeof(ns[0]), by_size);
	int64_t middle = ns[samples / 2];

	*ret_ns = (double)middle / parts;
	return 0;
}

static void set_row(struct cost_row *row, int err, double ns)
{
	row->measured = !err;
	row->err = -err;
	row->ns = ns;
}

static void measure_row(struct costs *c, enum cost cost, sample_fn sample, unsigned samples,
			double parts)
{
	double ns = 0;
	int err = median(&c->stage, sample, samples, parts, &ns);

	set_row(&c->d->cost[cost], err, ns);
}

static int map_pages(const struct stage *s, size_t pages, int flags)
{
	return stage_map(s, 0, pages, RW, MAP_PRIVATE | flags);
}

static int sample_map_unmap(const struct stage *s, int64_t *ret_ns)
{
	int64_t began = now_ns();
	int err = 0;

	for (int i = 0; i < BATCH && !err; i++) {
		err = map_pages(s, 1, 0);
		munmap(stage_at(s, 0), s->page);
	}
	*ret_ns = now_ns() - began;
	return err;
}

static int sample_touch(const struct stage *s, int64_t *ret_ns)
{
	int err = map_pages(s, PAGES, 0);
	int64_t began = now_ns();

	if (!err)
		stage_touch(s, 0, PAGES);
	*ret_ns = now_ns() - began;
	return err ? err : stage_clear(s);
}

static int sample_read(const struct stage *s, int64_t *ret_ns)
{
	int err = map_pages(s, PAGES, 0);
	int64_t began = now_ns();

	for (size_t i = 0; i < PAGES && !err; i++)
		(void)*(volatile unsigned char *)stage_at(s, i);
	*ret_ns = now_ns() - began;
	return err ? err : stage_clear(s);
}

static int sample_populate(const struct stage *s, int64_t *ret_ns)
{
	int64_t began = now_ns();
	int err = map_pages(s, PAGES, MAP_POPULATE);

	*ret_ns = now_ns() - began;
	return err ? err : stage_clear(s);
}

static int sample_giving_back(const struct stage *s, bool unmap, int64_t *ret_ns)
{
	int err = map_pages(s, PAGES, 0);

	if (err)
		return err;
	stage_touch(s, 0, PAGES);
	int64_t began = now_ns();

	if (unmap)
		munmap(stage_at(s, 0), PAGES * s->page);
	else
		madvise(stage_at(s, 0), PAGES * s->page, MADV_DONTNEED);
	*ret_ns = now_ns() - began;
	return stage_clear(s);
}

static int sample_unmap(const struct stage *s, int64_t *ret_ns)
{
	return sample_giving_back(s, true, ret_ns);
}

static int sample_dontneed(const struct stage *s, int64_t *ret_ns)
{
	return sample_giving_back(s, false, ret_ns);
}

static int sample_split(const struct stage *s, int64_t *ret_ns)
{
	int err = map_pages(s, 3, 0);
	void *middle = stage_at(s, 1);
	int64_t began = now_ns();

	for (int i = 0; i < BATCH && !err; i++)
		if (mprotect(middle, s->page, PROT_READ) != 0 || mprotect(middle, s->page, RW) != 0)
			err = -errno;
	*ret_ns = now_ns() - began;
	return err ? err : stage_clear(s);
}

static int sample_query(const struct stage *s, int64_t *ret_ns)
{
	struct procmap_vma v;
	int64_t began = now_ns();
	int err = s->queries ? 0 : -ENOTSUP;

	for (int i = 0; i < BATCH && !err; i++)
		err = procmap_at_or_above(s->maps_fd, (uintptr_t)&v, &v);
	*ret_ns = now_ns() - began;
	return err;
}

static int sample_fork(const struct stage *s, int64_t *ret_ns)
{
	int64_t began = now_ns();
	pid_t pid = fork();

	(void)s;
	if (pid == 0)
		_exit(0);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		return -errno;
	*ret_ns = now_ns() - began;
	return 0;
}

/* All of the text; its lines are what the pieces end at. */
static int64_t read_table(const struct stage *s)
{
	uint64_t at = 0;
	ssize_t n;

	while ((n = proc_pread(s->maps_fd, s->text, STAGE_TEXT_BYTES, at)) > 0)
		at += (uint64_t)n;
	return n < 0 ? n : (int64_t)at;
}

static int sample_table(const struct stage *s, int64_t *ret_ns)
{
	int64_t began = now_ns(), n = read_table(s);

	*ret_ns = now_ns() - began;
	return n < 0 ? (int)n : 0;
}

/* Pages that nobody may access, each beside one of another protection: a map each, not charged. */
static int split_many(const struct stage *s, size_t maps)
{
	int err = stage_map(s, 0, maps, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE);

	for (size_t i = 1; i < maps && !err; i += 2)
		if (mprotect(stage_at(s, i), s->page, PROT_READ) != 0)
			err = -errno;
	return err;
}

static void measure_pages(struct costs *c)
{
	measure_row(c, COST_MAP_UNMAP, sample_map_unmap, SAMPLES, BATCH);
	measure_row(c, COST_TOUCH, sample_touch, SAMPLES, PAGES);
	measure_row(c, COST_READ, sample_read, SAMPLES, PAGES);
	measure_row(c, COST_POPULATE, sample_populate, SAMPLES, PAGES);
	measure_row(c, COST_UNMAP_PAGE, sample_unmap, SAMPLES, PAGES);
	measure_row(c, COST_DONTNEED_PAGE, sample_dontneed, SAMPLES, PAGES);
	measure_row(c, COST_SPLIT_JOIN, sample_split, SAMPLES, BATCH);
	measure_row(c, COST_QUERY, sample_query, SAMPLES, BATCH);
}

/* What a fork costs beyond the bare one, by `parts`. */
static void set_difference(struct costs *c, enum cost cost, enum cost with, double parts)
{
	const struct cost_row *base = &c->d->cost[COST_FORK], *more = &c->d->cost[with];
	int err = base->err ? -base->err : -more->err;

	set_row(&c->d->cost[cost], err, (more->ns - base->ns) / parts);
}

static void measure_maps(struct costs *c)
{
	const struct stage *s = &c->stage;
	int err = split_many(s, FEW_MAPS);
	double ns = 0;

	if (!err)
		measure_row(c, COST_FORK_FEW, sample_fork, FORK_SAMPLES, 1);
	stage_clear(s);
	if (!err)
		err = split_many(s, MANY_MAPS);
	for (unsigned i = COST_QUERY_MANY; err && i <= COST_FORK_MAP; i++)
		if (i != COST_FORK && !c->d->cost[i].measured)
			set_row(&c->d->cost[i], err, 0);
	if (err)
		return;
	measure_row(c, COST_QUERY_MANY, sample_query, SAMPLES, BATCH);
	measure_row(c, COST_FORK_MANY, sample_fork, FORK_SAMPLES, 1);
	set_difference(c, COST_FORK_MAP, COST_FORK_MANY, MANY_MAPS);
	err = median(s, sample_table, FORK_SAMPLES, MANY_MAPS, &ns);
	set_row(&c->d->cost[COST_READ_MAP], err, ns);
}

static void measure_fork_pages(struct costs *c)
{
	struct cost_row *row = &c->d->cost[COST_FORK_PAGES];
	int err = map_pages(&c->stage, FORK_PAGES, 0);

	if (err) {
		set_row(row, err, 0);
		return;
	}
	stage_touch(&c->stage, 0, FORK_PAGES);
	measure_row(c, COST_FORK_PAGES, sample_fork, FORK_SAMPLES, 1);
	set_difference(c, COST_FORK_PAGES, COST_FORK_PAGES, FORK_PAGES_1K);
}

static void measure(void *ctx)
{
	struct costs c = {.d = ctx};
	int err = stage_open(&c.stage);

	if (err) {
		for (unsigned i = 0; i < COSTS; i++)
			set_row(&c.d->cost[i], err, 0);
		return;
	}
	/* Unknown to a kernel that has none. */
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	measure_pages(&c);
	stage_clear(&c.stage);
	measure_row(&c, COST_FORK, sample_fork, FORK_SAMPLES, 1);
	measure_fork_pages(&c);
	stage_clear(&c.stage);
	measure_maps(&c);
}

void kernel_measure_costs(struct kernel_description *d)
{
	kernel_child(measure, d, SECONDS, d->costs_why, sizeof(d->costs_why));
}
