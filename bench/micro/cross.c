/*
 * One thread allocates, the other frees, through a ring between them. Each thread's iteration is
 * one block; ops a second are those of both.
 */
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "bench/micro/micro.h"

#define RING 1024
/* Looks at the other's index before the processor is given up: they may be on one. */
#define SPINS 256

/* Each index is written by one thread, which reads the other's only when it has to wait. */
struct ring {
	_Alignas(128) _Atomic uint64_t put;
	_Alignas(128) _Atomic uint64_t taken;
	_Alignas(128) void *blocks[RING];
};

static struct ring ring;

/* Until `other` is beyond `at`. */
static uint64_t wait_beyond(_Atomic uint64_t *other, uint64_t at)
{
	uint64_t now;

	for (unsigned spins = 0; (now = atomic_load_explicit(other, memory_order_acquire)) <= at;
	     spins++) {
		if (spins % SPINS == SPINS - 1)
			sched_yield();
	}
	return now;
}

/* Returns whether any was refused. */
static bool produce(size_t size, uint64_t n)
{
	uint64_t at = atomic_load(&ring.put), end = at + n;
	/* Up to here there is room. */
	uint64_t limit = atomic_load(&ring.taken) + RING;
	bool refused = false;

	for (; at < end; at++) {
		if (at == limit)
			limit = wait_beyond(&ring.taken, at - RING) + RING;
		void *p = malloc(size);

		refused |= !p;
		ring.blocks[at % RING] = p;
		atomic_store_explicit(&ring.put, at + 1, memory_order_release);
	}
	return refused;
}

static void consume(uint64_t n)
{
	uint64_t at = atomic_load(&ring.taken), end = at + n, limit = at;

	for (; at < end; at++) {
		if (at == limit)
			limit = wait_beyond(&ring.put, at);
		free(ring.blocks[at % RING]);
		atomic_store_explicit(&ring.taken, at + 1, memory_order_release);
	}
}

/* Both threads have the same number of iterations, so that the ring is empty in the end. */
static const char *cross_time(struct gbench_state *s, const struct micro_run *r)
{
	bool refused = false;
	uint64_t n;

	while ((n = gbench_batch(s, UINT64_MAX)) > 0) {
		if (r->thread == 0)
			refused |= produce((size_t)r->args[0], n);
		else
			consume(n);
	}
	gbench_items(s, gbench_total(s));
	return refused ? "a block was refused" : NULL;
}

static const char *cross_hold(const struct micro_run *r)
{
	bool refused = r->thread == 0 && produce((size_t)r->args[0], RING);

	for (unsigned i = 0; i < RING && r->thread == 0; i++) {
		if (ring.blocks[i])
			micro_touch(ring.blocks[i], (size_t)r->args[0]);
	}
	return refused ? "a block was refused" : NULL;
}

static void cross_drop(const struct micro_run *r)
{
	if (r->thread == 1)
		consume(RING);
}

static void cross_set_up(struct gbench *b)
{
	gbench_arg(b, 64);
	gbench_arg(b, 4096);
	gbench_threads(b, 2);
	gbench_real_time(b);
}

const struct micro micros_cross[] = {
	{.name = "cross_thread_free",
	 .nargs = 1,
	 .set_up = cross_set_up,
	 .time = cross_time,
	 .hold = cross_hold,
	 .drop = cross_drop},
	{0},
};
