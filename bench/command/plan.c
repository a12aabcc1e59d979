#include "bench/command/plan.h"

#include <errno.h>
#include <stdlib.h>

/* splitmix64. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void shuffle(uint32_t *order, uint32_t n, uint64_t seed)
{
	uint64_t state = seed;

	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j = (uint32_t)(((next_random(&state) >> 32) * i) >> 32);
		uint32_t old = order[i - 1];

		order[i - 1] = order[j];
		order[j] = old;
	}
}

/* One number of several, such that none of them can stand for another. */
static uint64_t mixed(uint64_t seed, uint64_t a, uint64_t b)
{
	uint64_t state = seed;

	state = next_random(&state) ^ a;
	state = next_random(&state) ^ b;
	return next_random(&state);
}

static uint32_t most_reps(const struct plan_entry *entries, uint32_t n)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < n; i++)
		most = entries[i].reps > most ? entries[i].reps : most;
	return most;
}

struct drawing {
	struct plan *plan;
	const struct plan_entry *entries;
	uint32_t *order; /* scratch, of allocators */
	uint32_t nallocators, block;
	uint64_t seed;
};

static void add(struct drawing *d, uint32_t entry, uint32_t allocator)
{
	d->plan->runs[d->plan->n++] = (struct plan_run){entry, allocator, d->block};
}

static void add_entry(struct drawing *d, uint32_t entry)
{
	bool reversed = d->block % 2;

	if (d->block >= d->entries[entry].reps)
		return;
	if (d->entries[entry].loop)
		add(d, entry, PLAN_LOOP);
	shuffle(d->order, d->nallocators, mixed(d->seed, entry + 1, d->block / 2));
	for (uint32_t i = 0; i < d->nallocators; i++)
		add(d, entry, d->order[reversed ? d->nallocators - 1 - i : i]);
}

int plan_make(const struct plan_entry *entries, uint32_t nentries, uint32_t nallocators,
	      uint64_t seed, struct plan *ret_plan)
{
	uint32_t blocks = most_reps(entries, nentries);
	size_t most = (size_t)blocks * nentries * (nallocators + 1);
	struct plan p = {.runs = calloc(most + 1, sizeof(*p.runs))};
	uint32_t *order = calloc((size_t)nentries + nallocators + 1, sizeof(*order));
	struct drawing d = {
		.plan = &p,
		.entries = entries,
		.nallocators = nallocators,
		.seed = seed,
	};

	if (!p.runs || !order) {
		free(p.runs);
		free(order);
		return -ENOMEM;
	}
	d.order = order + nentries;
	for (d.block = 0; d.block < blocks; d.block++) {
		shuffle(order, nentries, mixed(seed, 0, d.block));
		for (uint32_t i = 0; i < nentries; i++)
			add_entry(&d, order[i]);
	}
	free(order);
	*ret_plan = p;
	return 0;
}

void plan_release(struct plan *p)
{
	free(p->runs);
	*p = (struct plan){0};
}
