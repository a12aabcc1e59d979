/*
 * What mmap and munmap cost while so many maps stand: one page of them, at random, is unmapped and
 * mapped again. They are pages of one region, by turns with and without access, so that no two
 * merge.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/micro/memory.h"
#include "bench/micro/micro.h"

/* What else may be mapped meanwhile, and room for splits. */
#define SPARE 200

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static char *region;

static const char *churn_missing(const struct micro_run *r)
{
	static char why[128];
	int64_t limit = memory_max_map_count(), now = memory_maps();

	if (limit >= 0 && now >= 0 && limit >= now + r->args[0] + SPARE)
		return NULL;
	snprintf(why, sizeof(why),
		 "vm.max_map_count is %lld, %lld maps are there: no room for %lld",
		 (long long)limit, (long long)now, (long long)r->args[0]);
	return why;
}

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static void stand_down(const struct micro_run *r)
{
	if (region)
		munmap(region, (size_t)r->args[0] * page_size());
	region = NULL;
}

static const char *stand(const struct micro_run *r)
{
	size_t page = page_size(), n = (size_t)r->args[0];
	void *p =
		mmap(NULL, n * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return "mmap failed";
	region = p;
	for (size_t i = 0; i < n; i += 2) {
		if (mprotect(region + i * page, page, PROT_READ | PROT_WRITE) != 0)
			return "mprotect failed";
	}
	return NULL;
}

/* Of n of them, a page with access is replaced each time. */
static bool replace(size_t pages, size_t page, uint64_t n)
{
	uint64_t random = 1;

	for (uint64_t i = 0; i < n; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		char *at = region + ((random >> 32) * (pages / 2) >> 32) * 2 * page;

		if (munmap(at, page) != 0 ||
		    mmap(at, page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != at)
			return false;
	}
	return true;
}

static const char *churn_time(struct gbench_state *s, const struct micro_run *r)
{
	const char *why = stand(r);
	uint64_t n;

	while (!why && (n = gbench_batch(s, UINT64_MAX)) > 0) {
		if (!replace((size_t)r->args[0], page_size(), n))
			why = "mmap or munmap failed";
	}
	stand_down(r);
	return why;
}

static void churn_set_up(struct gbench *b)
{
	gbench_arg(b, 1000);
	gbench_arg(b, 10000);
	gbench_arg(b, 60000);
}

const struct micro micros_churn[] = {
	{.name = "map_churn",
	 .nargs = 1,
	 .set_up = churn_set_up,
	 .missing = churn_missing,
	 .time = churn_time,
	 .hold = stand,
	 .drop = stand_down},
	{0},
};
