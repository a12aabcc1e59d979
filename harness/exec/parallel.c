#include "harness/exec/parallel.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "harness/exec/crash.h"
#include "harness/exec/kcalls.h"
#include "harness/exec/threads.h"

#define SPINS 200

struct lane {
	struct child child;
	struct run_counts of_fork; /* a fork child's, which cannot count where its parent does */
	struct cursor *cursor;
	_Atomic uint64_t busy; /* the block slot that its op works on, + 1; 0: none */
};

struct section {
	struct lane *lane;	  /* one a thread */
	_Atomic uint8_t *claimed; /* block slots that an op works on */
};

size_t parallel_arena_bytes(const struct run_config *cfg)
{
	if (!cfg->parallel)
		return 0;
	return sizeof(struct section) + cfg->block_slots + 64 +
	       (size_t)cfg->threads * (sizeof(struct lane) + cursor_arena_bytes());
}

int parallel_init(struct child *c, struct arena *a)
{
	const struct run_config *cfg = &c->shared->config;

	if (!cfg->parallel)
		return 0;
	struct section *s = arena_take(a, sizeof(*s), _Alignof(struct section));

	if (!s)
		return -ENOMEM;
	s->lane = arena_take(a, cfg->threads * sizeof(*s->lane), _Alignof(struct lane));
	if (!s->lane)
		return -ENOMEM;
	for (uint32_t i = 0; i < cfg->threads; i++) {
		int err = cursor_new_section(a, &s->lane[i].cursor);

		if (err)
			return err;
	}
	c->section = s;
	return 0;
}

int parallel_begin(struct child *c, struct arena *a)
{
	uint32_t slots = c->shared->config.block_slots;

	if (!c->section)
		return 0;
	c->section->claimed = arena_take(a, slots, 1);
	return slots && !c->section->claimed ? -ENOMEM : 0;
}

static void lane_open(struct child *c, uint32_t self)
{
	struct lane *lane = &c->section->lane[self];
	struct position *pos = &c->shared->lane[self];

	lane->child = *c;
	lane->child.lane = lane;
	lane->child.pos = pos;
	lane->child.cursor = lane->cursor;
	lane->child.growth = NULL;
	lane->child.counts = &run_lane_counts(c->shared)[self];
	lane->child.unjudged = false;
	atomic_store(&lane->busy, 0);
	position_phase(pos, PHASE_HARNESS);
	position_op(pos, c->pos->stmt, OP_PARALLEL);
	pos->thread = self;
	pos->iteration = c->pos->iteration;
	pos->has_slot = 0;
	atomic_store(&pos->trap_ip, 0);
	atomic_store(&pos->taken, 1);
	cursor_section(c->cursor, self, lane->cursor);
}

static void lane_close(struct child *c, uint32_t self)
{
	struct lane *lane = &c->section->lane[self];

	run_counts_add(c->counts, lane->child.counts);
	*lane->child.counts = (struct run_counts){0};
	c->allocator_called |= lane->child.allocator_called;
	c->round_refused |= lane->child.round_refused;
}

struct child *parallel_lane(struct child *c, uint32_t self)
{
	return &c->section->lane[self].child;
}

bool parallel_lane_run(struct child *lane)
{
	lane->ending = false;
	kcalls_work_with(lane);
	while (interp_advance(lane)) {
		interp_execute(lane, lane->op);
		if (lane->ending)
			return false;
	}
	atomic_store(&lane->pos->taken, 0);
	kcalls_work_with(lane->main);
	return true;
}

void parallel_run(struct child *c, const struct op *op)
{
	struct call_event e = child_event(c, op, 0);
	uint32_t threads = c->shared->config.threads;
	struct prog_error ignored;

	for (uint32_t i = 0; i < threads; i++)
		lane_open(c, i);
	threads_run_section(c);
	for (uint32_t i = 0; i < threads; i++)
		lane_close(c, i);
	int err = program_file_check(c->program);

	if (!err)
		err = cursor_skip_block(c->cursor, &ignored);
	if (err)
		child_failed(c, err, "the program could not be read on");
	child_outcome(c, &e, 0);
}

void parallel_slot_take(struct child *c, uint32_t slot)
{
	_Atomic uint8_t *claim = &c->section->claimed[slot];
	unsigned spins = 0;

	atomic_store(&c->lane->busy, (uint64_t)slot + 1);
	for (;;) {
		uint8_t expected = 0;

		if (atomic_compare_exchange_weak_explicit(claim, &expected, 1, memory_order_acquire,
							  memory_order_relaxed))
			return;
		if (spins++ >= SPINS)
			sched_yield();
	}
}

void parallel_slot_drop(struct child *c, uint32_t slot)
{
	atomic_store_explicit(&c->section->claimed[slot], 0, memory_order_release);
	atomic_store(&c->lane->busy, 0);
}

void parallel_after_fork(struct child *c)
{
	const struct run_config *cfg = &c->shared->config;

	for (uint32_t i = 0; i < cfg->threads; i++) {
		struct lane *lane = &c->section->lane[i];
		uint64_t busy = atomic_load(&lane->busy);

		if (lane == c->lane || !busy)
			continue;
		uint32_t slot = (uint32_t)(busy - 1);

		if (!atomic_load(&c->section->claimed[slot]))
			continue;
		atomic_store(&c->section->claimed[slot], 0);
		c->b[slot] = (struct block_slot){0};
		if (c->model)
			model_abandon(c->model, slot);
	}
	c->lane->of_fork = (struct run_counts){0};
	c->counts = &c->lane->of_fork;
}
