/*
 * map-many - maps 3 pages and unmaps the middle one, until the kernel refuses: the quickest way to
 * vm.max_map_count. The allocator has no part in it: this is what the calls themselves cost with
 * more and more maps, and how many are left to a process. Then all are unmapped again.
 */
#include <unistd.h>

#include "bench/workloads/blocks.h"

#define MOST (UINT64_C(1) << 21) /* where the limit is so high that it is none */
#define STEP UINT64_C(65530)	 /* the limit nearly everywhere: what a part of the work is of */

struct map_many {
	size_t page;
	char **places;
	uint64_t n;  /* places that have a hole */
	char *whole; /* where only the hole was refused; NULL: none */
};

static BENCH_HOT void map_until(struct lane *l, struct map_many *m, uint64_t most)
{
	while (m->n < most) {
		char *p = bench_mmap(l, 3 * m->page);

		if (p == MAP_FAILED)
			return;
		if (!bench_munmap(l, p + m->page, m->page)) {
			m->whole = p;
			return;
		}
		m->places[m->n++] = p;
	}
}

/* In order, so that each call takes away the ends of maps, which is never refused. */
static BENCH_HOT uint64_t unmap(struct lane *l, const struct map_many *m)
{
	uint64_t failed = 0;

	for (uint64_t i = 0; i < m->n; i++)
		failed += !bench_munmap(l, m->places[i], 3 * m->page);
	if (m->whole)
		failed += !bench_munmap(l, m->whole, 3 * m->page);
	return failed;
}

static void run(struct bench *b, struct lane *l)
{
	uint64_t part = bench_scaled(b, STEP), most = part < STEP ? part : MOST;
	struct map_many m = {.page = (size_t)sysconf(_SC_PAGESIZE)};

	m.places = bench_memory(b, most * sizeof(*m.places));
	bench_phase(b, "map", true);
	map_until(l, &m, most);
	bench_phase(b, "unmap", true);
	if (unmap(l, &m) != 0)
		bench_end(b, BENCH_END_BROKEN, "the kernel refused to unmap what was mapped");
	bench_phase(b, "drained", false);
}

const struct workload workload_map_many = {
	.name = "map-many",
	.summary = "maps 3 pages and unmaps the middle one until the kernel refuses",
	.only_fixed = true,
	.run = run,
};
