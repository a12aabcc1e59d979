/*
 * The benchmark's process: one workload, on whatever malloc was preloaded, under a controller that
 * shares a page with it, or alone.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/child/child.h"
#include "bench/child/sampling.h"
#include "bench/child/served.h"

#define USAGE_EXIT 3

static struct bench_page *page_map(int flags, int fd)
{
	void *p = mmap(NULL, sizeof(struct bench_page), PROT_READ | PROT_WRITE,
		       flags | MAP_POPULATE, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

static struct bench_page *page_of_controller(void)
{
	struct bench_page *page = page_map(MAP_SHARED, BENCH_PAGE_FD);

	if (!page)
		return NULL;
	close(BENCH_PAGE_FD);
	return page;
}

static int run(struct bench_page *page, bool alone)
{
	static const struct workload none;
	const struct workload *w = workload_by_name(page->in.workload);
	static struct bench b;

	bench_begin(&b, page, w ? w : &none, alone);
	if (page->in.abi != BENCH_ABI)
		bench_end(&b, BENCH_END_BROKEN, "the page is another version's");
	if (!w)
		bench_end(&b, BENCH_END_BROKEN, "there is no such workload");
	served_prove(&b);
	if (memory_init(page) != 0)
		bench_end(&b, BENCH_END_BROKEN, "no memory for the benchmark itself");

	struct lane *l = bench_lane(&b, 0);

	sampling_begin(&b);
	/* N producers and N consumers, at most. */
	threads_prepare(&b, b.threads < BENCH_LANES / 2 ? 2 * b.threads : b.threads);
	w->run(&b, l);
	after_run(&b, l);
	bench_finish(&b);
	bench_end(&b, BENCH_END_OK, "");
}

int main(int argc, char **argv)
{
	struct bench_page *page;

	if (argc == 1) {
		page = page_of_controller();
		if (page)
			return run(page, false);
	} else if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		alone_list();
		return 0;
	} else if (strcmp(argv[1], "--alone") == 0) {
		page = page_map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
		if (page && alone_options(argc, argv, page)) {
			if (!page->in.file[0])
				served_accept(page);
			return run(page, true);
		}
	}
	alone_usage();
	return USAGE_EXIT;
}
