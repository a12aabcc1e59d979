/*
 * interp.c - runs ops one after the other.
 *
 * With oracles off this is the hot path of measurements: per op a few stores to the shared page,
 * one switch and the call itself.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "harness/exec/child.h"
#include "harness/exec/facts.h"
#include "harness/exec/kcalls.h"
#include "harness/exec/parallel.h"
#include "harness/exec/reached.h"
#include "harness/exec/sampler.h"
#include "harness/exec/threads.h"
#include "harness/oracle/expect.h"

#define SLEEP_SLICE_NS 50000000ull
#define BEAT_EVERY     16 /* slots of a slice that is not judged: stores cost time there */

void child_beat(struct child *c)
{
	uint64_t beat = atomic_load_explicit(&c->pos->heartbeat, memory_order_relaxed);

	atomic_store_explicit(&c->pos->heartbeat, beat + 1, memory_order_relaxed);
}

static void sleep_ns(struct child *c, uint64_t ns)
{
	if (!c->lane)
		c->shared->slept_ns += ns;
	while (ns) {
		uint64_t part = ns < SLEEP_SLICE_NS ? ns : SLEEP_SLICE_NS;
		struct timespec left = {.tv_nsec = (long)part};

		while (nanosleep(&left, &left) != 0 && errno == EINTR)
			;
		child_beat(c);
		ns -= part;
	}
}

static void checkpoint(struct child *c, const struct op *op)
{
	struct checkpoint_at at = {
		.name = op->name,
		.stmt = (int32_t)op->stmt,
		.iteration = c->pos->iteration,
		.in_fork = c->proc != 0,
	};
	int err = sampler_checkpoint(c->sampler, &at);

	if (err)
		child_failed(c, err, "the accounts could not be read");
}

static void note_undecided(struct child *c, const struct op *op)
{
	unsigned why = UNMEASURED_RSS;

	if (op->expect.metric == METRIC_CALL_MADE || op->expect.metric == METRIC_CALL_FAILED)
		why = UNMEASURED_EXPECT_CALLS;
	else if (op->expect.metric == METRIC_MAPS_LOST || op->expect.metric == METRIC_MAPPED_LOST)
		why = UNMEASURED_EXPECT_LOST;
	else if (op->expect.metric == METRIC_MAPS_PEAK || op->expect.metric == METRIC_MAPPED_PEAK)
		why = UNMEASURED_EXPECT_PEAK;
	else if (op->expect.metric != METRIC_RSS && op->expect.metric != METRIC_RSS_PEAK)
		why = UNMEASURED_EXPECT_PROC;
	if (!c->shared->unmeasured)
		c->shared->unmeasured_stmt = (int32_t)op->stmt;
	c->shared->unmeasured |= why;
}

static void expect(struct child *c, const struct op *op)
{
	struct measured measured;

	if (!c->model)
		return;
	int err = sampler_measure(c->sampler, &op->expect, &measured);

	if (err) {
		child_failed(c, err, "the accounts could not be read");
		return;
	}
	enum verdict verdict = expect_judge(&op->expect, &measured);

	if (verdict == VERDICT_UNDECIDED)
		note_undecided(c, op);
	if (verdict != VERDICT_FAILS)
		return;
	struct finding f;

	expect_finding(op, &measured, &f);
	f.iteration = c->pos->iteration;
	f.in_fork = c->proc != 0;
	finding_add(&c->shared->findings, &f);
}

/* Beside other threads an op on a block has its slot, and one on a mapping all there is. */
static void run_element(struct child *c, const struct op *op, uint32_t slot, element_fn run)
{
	if (!c->lane) {
		run(c, op, slot);
	} else if (op->space == SPACE_BLOCK) {
		parallel_slot_take(c, slot);
		run(c, op, slot);
		parallel_slot_drop(c, slot);
	} else {
		shared_enter(c);
		run(c, op, slot);
		shared_leave(c);
	}
}

static void over_slice(struct child *c, const struct op *op, element_fn run)
{
	const struct slice *s = &op->slice;

	c->pos->has_slot = op->space;

	for (uint64_t slot = s->start; slot < s->stop; slot += s->step) {
		c->pos->slot = (uint32_t)slot;
		if (!c->unjudged || c->until_beat-- == 0) {
			child_beat(c);
			c->until_beat = BEAT_EVERY;
		}
		run_element(c, op, (uint32_t)slot, run);
		if (c->shared->config.check_ledger)
			kcalls_check_ledger(c);
	}
}

static void when(struct child *c, const struct op *op)
{
	struct prog_error err;

	if (facts_enter(c, op))
		return;
	int rc = program_file_check(c->program);

	if (!rc)
		rc = cursor_skip_block(c->cursor, &err);
	if (rc)
		child_failed(c, rc, "the program could not be read on");
}

static void execute_control(struct child *c, const struct op *op)
{
	child_beat(c);
	switch (op->code) {
	case OP_TRIM:
		block_trim(c, op);
		break;
	case OP_WHEN:
		when(c, op);
		break;
	case OP_FORK:
		fork_op_run(c, op);
		break;
	case OP_PARALLEL:
		parallel_run(c, op);
		break;
	case OP_EXIT:
		thread_exit_op(c, op);
		break;
	case OP_SLEEP:
		sleep_ns(c, op->arg0);
		break;
	case OP_CHECKPOINT:
		checkpoint(c, op);
		break;
	case OP_EXPECT:
		expect(c, op);
		break;
	default:
		break;
	}
}

static bool changes_memory(unsigned code)
{
	return code != OP_SLEEP && code != OP_WHEN && code != OP_CHECKPOINT && code != OP_EXPECT &&
	       code != OP_USABLE;
}

void interp_execute(struct child *c, const struct op *op)
{
	struct position *pos = c->pos;

	position_op(pos, (int32_t)op->stmt, op->code);
	pos->thread = op->thread;
	pos->iteration = cursor_iteration(c->cursor);
	pos->has_slot = 0;
	if (op->space == SPACE_BLOCK)
		over_slice(c, op, block_op_unjudged(c, op));
	else if (op->space == SPACE_MAP)
		over_slice(c, op, map_op_run);
	else
		execute_control(c, op);
	if (c->shared->config.check_ledger && op->space == SPACE_NONE)
		kcalls_check_ledger(c);
	if (c->shared->config.sampling && !c->lane && changes_memory(op->code))
		sampler_statement(c->sampler);
}

bool interp_advance(struct child *c)
{
	struct prog_error err;
	int rc = cursor_next(c->cursor, &c->op, &err);

	if (rc == -EBADF && program_file_check(c->program) == 0)
		rc = cursor_next(c->cursor, &c->op, &err);
	if (rc < 0)
		child_failed(c, rc, err.message);
	if (c->growth && cursor_last_round(c->cursor)->ends != c->round_ends)
		rounds_note(c);
	return rc == 0;
}

void child_failed(struct child *c, int err, const char *what)
{
	struct run_shared *s = c->shared;

	shared_enter(c);
	if (!s->harness_error) {
		memccpy(s->harness_text, what, '\0', sizeof(s->harness_text) - 1);
		s->harness_error = (uint32_t)-err;
	}
	shared_leave(c);
}

struct call_event child_event(const struct child *c, const struct op *op, uint32_t slot)
{
	return (struct call_event){
		.op = op,
		.slot = slot,
		.iteration = c->pos->iteration,
		.in_fork = c->proc != 0,
	};
}

static void note_live_at_peak(struct child *c)
{
	uint64_t blocks;

	if (c->model)
		model_live(c->model, &blocks, &c->shared->live_bytes_at_peak);
}

void child_maps_rose(struct child *c)
{
	note_live_at_peak(c);
	c->maps_rose = true;
}

/* What a fork child has is a copy, and its own. */
static void note_live(struct child *c)
{
	if (!c->model || c->proc)
		return;
	c->shared->live_peak_bytes = model_live_peak(c->model);
	if (c->maps_rose)
		note_live_at_peak(c);
	c->maps_rose = false;
}

void child_outcome(struct child *c, const struct call_event *e, int err)
{
	if (c->again)
		return;
	c->counts->executed++;
	if (c->reached && err)
		reached_error(c, e->op->code, err);
	if (err && !e->op->outcomes.present)
		c->counts->failed++;
	shared_enter(c);
	if (c->model && e->op->outcomes.present)
		oracle_outcome(e, err, &c->shared->findings);
	note_live(c);
	if (c->shared->config.oplog_capacity)
		child_log(c, e, err);
	shared_leave(c);
}

void child_log(struct child *c, const struct call_event *e, int err)
{
	struct run_shared *shared = c->shared;
	uint64_t n = atomic_load_explicit(&shared->oplog_used, memory_order_relaxed);

	if (n >= shared->config.oplog_capacity)
		return;
	shared->oplog[n] = (struct oplog_entry){
		.stmt = e->op->stmt,
		.slot = e->slot,
		.err = err,
		.op_code = e->op->code,
		.address = (uintptr_t)e->ret,
		.usable = e->usable_known ? e->usable : UINT64_MAX,
	};
	atomic_store_explicit(&shared->oplog_used, n + 1, memory_order_release);
}
