#include "harness/exec/run.h"

#include <sys/mman.h>
#include <time.h>

#include "harness/exec/watch.h"

volatile sig_atomic_t run_interrupted;

const struct run_stack *run_stack_of(const struct run_stack *stacks, uint32_t n,
				     const struct finding *f, uint32_t which)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct run_stack *s = &stacks[i];

		if (s->kind == f->kind && s->rule == f->rule && s->stmt == f->stmt && !which--)
			return s;
	}
	return NULL;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int run_program(const struct run_request *req, struct run_result *ret_result)
{
	uint64_t begin = now_ns();
	struct watch w;
	int err = watch_start(&w, req, ret_result);

	if (err)
		return err;
	watch_wait(&w, NULL);
	watch_end(&w);
	ret_result->wall_ns = now_ns() - begin;
	return 0;
}

void run_result_release(struct run_result *r)
{
	if (r->shared)
		munmap(r->shared, r->shared_bytes);
	r->shared = NULL;
}
