#include "harness/exec/edges.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

struct counters {
	uint8_t *start;
	size_t n;
};

static struct counters files[EDGES_FILES];
static _Atomic uint32_t nfiles;
static uint64_t homeless; /* counters of files beyond those */

/* Each object file of a library may announce the whole library's. */
static bool is_known(const uint8_t *start, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (files[i].start == start)
			return true;
	return false;
}

void edges_add(uint8_t *start, uint8_t *stop)
{
	uint32_t n = atomic_load(&nfiles);

	if (start >= stop || is_known(start, n))
		return;
	if (n == EDGES_FILES) {
		homeless += (uint64_t)(stop - start);
		return;
	}
	files[n] = (struct counters){start, (size_t)(stop - start)};
	/* A thread of the allocator's may load a file at any time. */
	atomic_store(&nfiles, n + 1);
}

/* How many of the file's counters there is room for behind `used` others. */
static size_t room_for(const struct counters *c, size_t used)
{
	return c->n < FEEDBACK_EDGES - used ? c->n : FEEDBACK_EDGES - used;
}

void edges_clear(struct run_feedback *f)
{
	uint32_t n = atomic_load(&nfiles);
	size_t used = 0;

	for (uint32_t i = 0; i < n; i++) {
		size_t len = room_for(&files[i], used);

		memset(files[i].start, 0, len);
		used += len;
	}
	memset(f->edges, 0, used);
	f->nedges = (uint32_t)used;
}

void edges_copy(struct run_feedback *f)
{
	uint32_t n = atomic_load(&nfiles);
	uint64_t left_out = homeless;
	size_t used = 0;

	for (uint32_t i = 0; i < n; i++) {
		size_t len = room_for(&files[i], used);

		memcpy(&f->edges[used], files[i].start, len);
		used += len;
		left_out += files[i].n - len;
	}
	f->nedges = (uint32_t)used;
	f->edges_left_out = left_out < UINT32_MAX ? (uint32_t)left_out : UINT32_MAX;
}
