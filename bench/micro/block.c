/* One block after the other: malloc, calloc and posix_memalign, each with its free. */
#include <stdlib.h>

#include "bench/micro/loops.h"
#include "bench/micro/micro.h"
#include "bench/micro/served.h"

enum { MALLOC, CALLOC, ALIGNED };

static void *held[MICRO_THREADS];

static size_t size_of(const struct micro_run *r)
{
	return (size_t)r->args[r->micro->nargs - 1];
}

static void *allocate(const struct micro_run *r)
{
	void *p = NULL;

	if (r->micro->variant == MALLOC)
		return malloc(size_of(r));
	if (r->micro->variant == CALLOC)
		return calloc(1, size_of(r));
	return posix_memalign(&p, (size_t)r->args[0], size_of(r)) == 0 ? p : NULL;
}

static const char *block_time(struct gbench_state *s, const struct micro_run *r)
{
	uint64_t n;

	while ((n = gbench_batch(s, UINT64_MAX)) > 0) {
		if (r->micro->variant == MALLOC)
			loop_malloc_free(size_of(r), n);
		else if (r->micro->variant == CALLOC)
			loop_calloc_free(size_of(r), n);
		else
			loop_aligned_free((size_t)r->args[0], size_of(r), n);
	}
	return NULL;
}

static const char *block_hold(const struct micro_run *r)
{
	void *p = allocate(r);

	held[r->thread] = p;
	if (!p)
		return "a block was refused";
	if (r->micro->variant == ALIGNED && (uintptr_t)p % (size_t)r->args[0] != 0)
		return "a block is not aligned";
	micro_touch(p, size_of(r));
	return NULL;
}

static void block_drop(const struct micro_run *r)
{
	free(held[r->thread]);
}

/* The allocator's own, or none: glibc's would be of another heap. */
static const char *aligned_missing(const struct micro_run *r)
{
	(void)r;
	return served_by_one("posix_memalign") ? NULL
					       : "malloc's file has no posix_memalign of its own";
}

static void malloc_set_up(struct gbench *b)
{
	gbench_range_multiplier(b, 2);
	gbench_range(b, (struct gbench_span){8, 1 << 20});
}

static void malloc_threads_set_up(struct gbench *b)
{
	gbench_arg(b, 64);
	gbench_arg(b, 4096);
	gbench_thread_range(b, 2, 4);
	gbench_real_time(b);
}

static void calloc_set_up(struct gbench *b)
{
	gbench_range(b, (struct gbench_span){8, 1 << 20});
}

static void aligned_set_up(struct gbench *b)
{
	static const int64_t aligns[] = {64, 4096, 2 << 20}, sizes[] = {64, 64 << 10};
	static const char *const names[] = {"align", "bytes"};
	const struct gbench_list lists[] = {{aligns, 3}, {sizes, 2}};

	gbench_product(b, lists, 2);
	gbench_arg_names(b, names, 2);
}

const struct micro micros_block[] = {
	{.name = "malloc_free",
	 .nargs = 1,
	 .variant = MALLOC,
	 .set_up = malloc_set_up,
	 .time = block_time,
	 .hold = block_hold,
	 .drop = block_drop},
	{.name = "malloc_free_threads",
	 .nargs = 1,
	 .variant = MALLOC,
	 .set_up = malloc_threads_set_up,
	 .time = block_time,
	 .hold = block_hold,
	 .drop = block_drop},
	{.name = "calloc_free",
	 .nargs = 1,
	 .variant = CALLOC,
	 .set_up = calloc_set_up,
	 .time = block_time,
	 .hold = block_hold,
	 .drop = block_drop},
	{.name = "aligned_free",
	 .nargs = 2,
	 .variant = ALIGNED,
	 .set_up = aligned_set_up,
	 .missing = aligned_missing,
	 .time = block_time,
	 .hold = block_hold,
	 .drop = block_drop},
	{0},
};
