/*
 * allocrig-micro: micro-benchmarks of malloc and mmap under google-benchmark. LD_PRELOAD says which
 * malloc; the output's context says which file really served.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/micro/memory.h"
#include "bench/micro/micro.h"
#include "bench/micro/served.h"

static const struct micro *const lists[] = {micros_block, micros_batch,	  micros_realloc,
					    micros_cross, micros_mapping, micros_churn};

#define LISTS (sizeof(lists) / sizeof(lists[0]))

const struct micro *micro_find(const char *name)
{
	for (size_t i = 0; i < LISTS; i++) {
		for (const struct micro *m = lists[i]; m->name; m++) {
			if (strcmp(m->name, name) == 0)
				return m;
		}
	}
	return NULL;
}

void micro_touch(void *p, size_t size)
{
	volatile char *bytes = p;

	for (size_t i = 0; i < size; i += 4096)
		bytes[i] = 1;
	if (size > 0)
		bytes[size - 1] = 1;
}

static void run(struct gbench_state *s, void *ctx)
{
	const struct micro *m = ctx;
	struct micro_run r = {
		.micro = m, .thread = gbench_thread(s), .threads = gbench_thread_count(s)};

	for (unsigned i = 0; i < m->nargs; i++)
		r.args[i] = gbench_value(s, i);
	const char *why = m->missing ? m->missing(&r) : NULL;

	if (!why)
		why = m->time(s, &r);
	if (!why && r.thread == 0)
		why = memory_rows(s, &r);
	if (why)
		gbench_skip(s, why);
}

static void add_context(void)
{
	const char *preload = getenv("LD_PRELOAD");
	char file[PATH_MAX], limit[24];

	served_file("malloc", file);
	gbench_context("malloc_served_by", file);
	gbench_context("ld_preload", preload ? preload : "");
	snprintf(limit, sizeof(limit), "%lld", (long long)memory_max_map_count());
	gbench_context("max_map_count", limit);
}

static void help(void)
{
	printf("allocrig-micro - micro-benchmarks of malloc and mmap, with peak maps, peak RSS "
	       "and\n"
	       "kept bytes as benchmarks of their own. The allocator is libc's, or the one that\n"
	       "LD_PRELOAD names; it is an error (exit code 2) when another one serves "
	       "malloc.\n\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char err[3 * PATH_MAX];

	if (argc > 1 && strcmp(argv[1], MEMORY_ARGUMENT) == 0)
		return memory_main(argc, argv);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0)
			help();
	}
	if (served_check(err, sizeof(err)) != 0) {
		fprintf(stderr, "allocrig-micro: %s\n", err);
		return 2;
	}
	add_context();
	for (size_t i = 0; i < LISTS; i++) {
		for (const struct micro *m = lists[i]; m->name; m++)
			m->set_up(gbench_register(m->name, run, (void *)m));
	}
	return gbench_main(argc, argv);
}
