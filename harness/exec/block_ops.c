/*
 * block_ops.c - one allocator call on one slot, with the oracles around it or without.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/exec/child.h"
#include "harness/exec/crash.h"
#include "harness/exec/kcalls.h"
#include "harness/exec/reached.h"
#include "harness/exec/sampler.h"

/*
 * What errno holds before calls that must leave it alone. No memory call of the kernel or libc
 * sets it.
 */
#define ERRNO_CANARY ENOTNAM

#define TOUCH_WHOLE 65536
#define TOUCH_EDGE  4096

bool block_op_present(const struct allocator *a, unsigned code)
{
	switch (code) {
	case OP_MALLOC:
		return a->malloc;
	case OP_CALLOC:
		return a->calloc;
	case OP_REALLOC:
		return a->realloc;
	case OP_REALLOCARRAY:
		return a->reallocarray;
	case OP_ALIGNED_ALLOC:
		return a->aligned_alloc;
	case OP_POSIX_MEMALIGN:
		return a->posix_memalign;
	case OP_MEMALIGN:
		return a->memalign;
	case OP_VALLOC:
		return a->valloc;
	case OP_PVALLOC:
		return a->pvalloc;
	case OP_FREE:
		return a->free;
	case OP_FREE_SIZED:
		return a->free_sized;
	case OP_FREE_ALIGNED_SIZED:
		return a->free_aligned_sized;
	case OP_USABLE:
		return a->malloc_usable_size;
	case OP_TRIM:
		return a->purge;
	default:
		return true;
	}
}

/* The bytes that the op asks for; SIZE_MAX when count times size overflows. */
static size_t requested(const struct op *op)
{
	size_t product;

	switch (op->code) {
	case OP_CALLOC:
	case OP_REALLOCARRAY:
		return __builtin_mul_overflow(op->arg0, op->arg1, &product) ? SIZE_MAX : product;
	case OP_ALIGNED_ALLOC:
	case OP_POSIX_MEMALIGN:
	case OP_MEMALIGN:
		return op->arg1;
	default:
		return op->arg0;
	}
}

/* The alignment that the op asks for; 0: none. */
static size_t requested_align(const struct op *op)
{
	bool aligns = op->code == OP_ALIGNED_ALLOC || op->code == OP_POSIX_MEMALIGN ||
		      op->code == OP_MEMALIGN;

	return aligns ? op->arg0 : 0;
}

static void call_posix_memalign(struct child *c, const struct op *op, struct call_event *e)
{
	void *p = (void *)&c->shared->config; /* a value that no allocator returns */

	e->memptr_before = p;
	e->result = c->alloc->posix_memalign(&p, op->arg0, op->arg1);
	e->memptr_after = p;
	e->ret = e->result == 0 ? p : NULL;
}

/* Makes the call; fills ret, result, memptr_*. errno is set before and read after by the caller. */
static void call_allocating(struct child *c, const struct op *op, struct call_event *e)
{
	const struct allocator *a = c->alloc;

	switch (op->code) {
	case OP_MALLOC:
		e->ret = a->malloc(op->arg0);
		break;
	case OP_CALLOC:
		e->ret = a->calloc(op->arg0, op->arg1);
		break;
	case OP_REALLOC:
		e->ret = a->realloc(e->before, op->arg0);
		break;
	case OP_REALLOCARRAY:
		e->ret = a->reallocarray(e->before, op->arg0, op->arg1);
		break;
	case OP_ALIGNED_ALLOC:
		e->ret = a->aligned_alloc(op->arg0, op->arg1);
		break;
	case OP_POSIX_MEMALIGN:
		call_posix_memalign(c, op, e);
		break;
	case OP_MEMALIGN:
		e->ret = a->memalign(op->arg0, op->arg1);
		break;
	case OP_VALLOC:
		e->ret = a->valloc(op->arg0);
		break;
	default:
		e->ret = a->pvalloc(op->arg0);
		break;
	}
}

/*
 * Why NULL came back: because a kernel call was refused in this one, when that is seen. Otherwise
 * it is judged only where nothing stands in the way: a process with room in its map table and in
 * its address space, under no limit and no refusal that goes on, is refused nothing.
 */
static enum null_cause null_cause(struct child *c, const struct op *op)
{
	size_t size = requested(op), align = requested_align(op);

	if (c->refused || (c->lane && atomic_load(&c->main->refusals) != c->refusals_before))
		return CAUSE_REFUSED;
	if (c->passed_by || kcalls_refusing(c))
		return CAUSE_UNKNOWN;
	if (op->outcomes.present || c->shared->config.limited || size > (1ul << 30))
		return CAUSE_UNKNOWN;
	if (align > (1ul << 30))
		return CAUSE_UNKNOWN;
	if (!child_headroom_left(c))
		return CAUSE_REFUSED;
	size_t len = (size + align + 2 * c->page_bytes) & ~(c->page_bytes - 1);
	void *p = mmap(NULL, len, PROT_NONE, MAP_SHARED, RUN_FD_SHARED, 0);

	/* Another error says that the allocator closed the descriptor, not that room is short. */
	if (p == MAP_FAILED)
		return errno == ENOMEM ? CAUSE_REFUSED : CAUSE_NONE;
	munmap(p, len);
	return CAUSE_NONE;
}

static void ask_usable(struct child *c, struct call_event *e, void *p)
{
	if (!c->alloc->malloc_usable_size || !p)
		return;
	allocator_enter(c);
	e->usable = c->alloc->malloc_usable_size(p);
	e->usable_known = true;
	allocator_leave(c);
}

static void judge_before(struct child *c, const struct call_event *e)
{
	shared_enter(c);
	touch_enter(c);
	oracle_before(c->model, e, &c->shared->findings);
	touch_leave(c);
	shared_leave(c);
}

static void judge_after(struct child *c, const struct call_event *e)
{
	shared_enter(c);
	touch_enter(c);
	oracle_after(c->model, e, &c->shared->findings);
	touch_leave(c);
	shared_leave(c);
}

/* What looks at no block. */
static void judge_quietly(struct child *c, const struct call_event *e)
{
	if (!c->model)
		return;
	shared_enter(c);
	oracle_after(c->model, e, &c->shared->findings);
	shared_leave(c);
}

static void store_result(const struct call_event *e, struct block_slot *b)
{
	bool resizes = e->op->code == OP_REALLOC || e->op->code == OP_REALLOCARRAY;

	if (e->ret) {
		*b = (struct block_slot){e->ret, requested(e->op), requested_align(e->op),
					 e->op->code};
		return;
	}
	if (resizes && requested(e->op) == 0 && model_realloc_zero_freed(e))
		*b = (struct block_slot){0};
}

/* What was asked for and what came of it; the slot has the old block still. */
static void note_reached(struct child *c, const struct op *op, uint32_t slot, const void *ret)
{
	const struct reached_request r = {
		.code = op->code,
		.size = requested(op),
		.align = requested_align(op),
		.before = c->b[slot].p,
		.size_before = c->b[slot].size,
		.ret = ret,
	};

	reached_request(c, &r);
}

static int failure_of(const struct call_event *e)
{
	if (e->op->code == OP_POSIX_MEMALIGN)
		return e->result;
	if (e->ret || (requested(e->op) == 0 && e->errno_after == e->errno_before))
		return 0;
	return e->errno_after == e->errno_before ? OUTCOME_NO_ERRNO : e->errno_after;
}

static void run_allocating(struct child *c, const struct op *op, uint32_t slot)
{
	struct block_slot *b = &c->b[slot];
	struct call_event e = child_event(c, op, slot);

	e.before = b->p;
	if (c->model && b->p) {
		ask_usable(c, &e, b->p);
		judge_before(c, &e);
		e.usable_known = false;
	}
	allocator_enter(c);
	e.errno_before = op->code == OP_POSIX_MEMALIGN ? ERRNO_CANARY : 0;
	uint64_t began_ns = timed_begin(c);

	errno = e.errno_before;
	call_allocating(c, op, &e);
	e.errno_after = errno;
	timed_end(c, began_ns);
	allocator_leave(c);
	if (c->reached)
		note_reached(c, op, slot, e.ret);
	shared_enter(c);
	if (c->lost && e.ret)
		lost_handed_out(c->lost, (uintptr_t)e.ret, requested(op));
	if (c->model && !e.ret)
		e.cause = null_cause(c, op);
	shared_leave(c);
	if (c->model) {
		ask_usable(c, &e, e.ret);
		if (c->reached && e.usable_known)
			reached_usable(c, requested(op), e.usable);
		if (!e.ret && e.cause == CAUSE_REFUSED)
			c->counts->null_at_refusal++;
		judge_after(c, &e);
	}
	store_result(&e, b);
	child_outcome(c, &e, failure_of(&e));
}

static void call_free(const struct allocator *a, const struct op *op, const struct block_slot *b)
{
	if (op->code == OP_FREE_SIZED)
		a->free_sized(b->p, b->size);
	else if (op->code == OP_FREE_ALIGNED_SIZED)
		a->free_aligned_sized(b->p, b->align, b->size);
	else
		a->free(b->p);
}

/* C23 7.24.3.4, 7.24.3.5: of blocks that others returned it would be the program's error. */
static bool may_free(const struct op *op, const struct block_slot *b)
{
	if (!b->p || op->code == OP_FREE)
		return true;
	if (op->code == OP_FREE_ALIGNED_SIZED)
		return b->by == OP_ALIGNED_ALLOC;
	return b->by == OP_MALLOC || b->by == OP_CALLOC || b->by == OP_REALLOC ||
	       b->by == OP_REALLOCARRAY;
}

static void run_free(struct child *c, const struct op *op, uint32_t slot)
{
	struct block_slot *b = &c->b[slot];
	struct call_event e = child_event(c, op, slot);

	e.before = b->p;
	if (c->model) {
		ask_usable(c, &e, b->p);
		judge_before(c, &e);
	}
	allocator_enter(c);
	e.errno_before = ERRNO_CANARY;
	uint64_t began_ns = timed_begin(c);

	errno = ERRNO_CANARY;
	call_free(c->alloc, op, b);
	e.errno_after = errno;
	timed_end(c, began_ns);
	allocator_leave(c);
	if (c->reached)
		reached_refusals(c, op->code, true);
	if (c->model)
		judge_after(c, &e);
	*b = (struct block_slot){0};
	child_outcome(c, &e, 0);
}

static void run_usable(struct child *c, const struct op *op, uint32_t slot)
{
	struct call_event e = child_event(c, op, slot);

	e.before = c->b[slot].p;
	allocator_enter(c);
	uint64_t began_ns = timed_begin(c);

	e.usable = c->alloc->malloc_usable_size(e.before);
	timed_end(c, began_ns);
	e.usable_known = true;
	allocator_leave(c);
	judge_quietly(c, &e);
	child_outcome(c, &e, 0);
}

/* The same places as model_touch writes, without a model. */
static int touch_unjudged(struct child *c, const struct op *op, const struct block_slot *b)
{
	unsigned char *p = b->p;
	size_t size = b->size;

	if (c->alloc->malloc_usable_size)
		size = c->alloc->malloc_usable_size(p);
	if (op->has_range) {
		if (op->range_off > size || op->range_len > size - op->range_off)
			return -EINVAL;
		memset(p + op->range_off, 0x5a, op->range_len);
		return 0;
	}
	if (size <= TOUCH_WHOLE) {
		memset(p, 0x5a, size);
		return 0;
	}
	memset(p, 0x5a, TOUCH_EDGE);
	memset(p + size - TOUCH_EDGE, 0x5a, TOUCH_EDGE);
	for (size_t off = TOUCH_EDGE; off < size - TOUCH_EDGE; off += c->page_bytes)
		memset(p + off, 0x5a, sizeof(uint64_t));
	return 0;
}

static void touch_fault(struct child *c, const struct call_event *e, uintptr_t address)
{
	if (model_touch_faulted(c->model, e, address, &c->shared->findings))
		return;
	struct finding f = {
		.kind = FINDING_CRASH,
		.rule = RULE_SIGNAL,
		.op_code = OP_TOUCH,
		.thread = e->op->thread,
		.in_fork = e->in_fork,
		.has_slot = SPACE_BLOCK,
		.stmt = (int32_t)e->op->stmt,
		.slot = e->slot,
		.iteration = e->iteration,
		.count = 1,
		.n = {SIGSEGV, 0, address, 0},
	};

	finding_add(&c->shared->findings, &f);
}

static int touch_judged(struct child *c, const struct call_event *e)
{
	const struct op *op = e->op;
	struct crash_guard guard = {.start = 0, .end = UINTPTR_MAX};
	int err;

	if (sigsetjmp(guard.env, 0) == 0) {
		crash_guard_arm(&guard);
		err = model_touch(c->model, e->slot, op->has_range, op->range_off, op->range_len);
		crash_guard_disarm();
		return err;
	}
	touch_fault(c, e, guard.fault);
	return 0;
}

static void run_touch(struct child *c, const struct op *op, uint32_t slot)
{
	const struct block_slot *b = &c->b[slot];
	struct call_event e = child_event(c, op, slot);

	if (!b->p) {
		c->counts->skipped++;
		return;
	}
	e.before = b->p;
	bool judged = c->model;

	if (judged)
		shared_enter(c);
	touch_enter(c);
	int err = judged ? touch_judged(c, &e) : touch_unjudged(c, op, b);

	touch_leave(c);
	if (judged)
		shared_leave(c);
	if (err)
		c->counts->skipped++;
	else
		child_outcome(c, &e, 0);
}

static void plain_malloc(struct child *c, const struct op *op, uint32_t slot)
{
	struct block_slot *b = &c->b[slot];

	if (b->p) {
		c->counts->skipped++;
		return;
	}
	void *p = c->alloc->malloc(op->arg0);

	if (c->reached)
		note_reached(c, op, slot, p);
	*b = (struct block_slot){p, op->arg0, 0, OP_MALLOC};
	c->counts->executed++;
	if (!b->p && op->arg0)
		c->counts->failed++;
}

static void plain_free(struct child *c, const struct op *op, uint32_t slot)
{
	(void)op;
	c->alloc->free(c->b[slot].p);
	c->b[slot].p = NULL;
	c->counts->executed++;
}

element_fn block_op_unjudged(const struct child *c, const struct op *op)
{
	if (!c->unjudged || op->outcomes.present)
		return block_op_run;
	if (op->code == OP_MALLOC && c->alloc->malloc)
		return plain_malloc;
	if (op->code == OP_FREE && c->alloc->free)
		return plain_free;
	return block_op_run;
}

/* The pointer also is another slot's, and that one gives it back. */
static bool forget_shared(struct child *c, const struct op *op, uint32_t slot)
{
	if (!op_frees(op->code) && op->code != OP_REALLOC && op->code != OP_REALLOCARRAY)
		return false;
	if (!c->model || !c->b[slot].p)
		return false;
	shared_enter(c);
	bool forgotten = model_forget_shared(c->model, slot);

	shared_leave(c);
	if (!forgotten)
		return false;
	c->b[slot] = (struct block_slot){0};
	return true;
}

void block_op_run(struct child *c, const struct op *op, uint32_t slot)
{
	if (!block_op_present(c->alloc, op->code)) {
		c->counts->skipped++;
		c->counts->absent[op->code]++;
		return;
	}
	if (op->code == OP_TOUCH) {
		run_touch(c, op, slot);
		return;
	}
	c->allocator_called = true;
	bool full = op_fills_slot(op->code) && c->b[slot].p;
	bool frees = op_frees(op->code);

	if (full || (frees && !may_free(op, &c->b[slot])) || forget_shared(c, op, slot))
		c->counts->skipped++;
	else if (frees)
		run_free(c, op, slot);
	else if (op->code == OP_USABLE)
		run_usable(c, op, slot);
	else
		run_allocating(c, op, slot);
}

void block_trim(struct child *c, const struct op *op)
{
	struct call_event e = child_event(c, op, 0);

	if (!c->alloc->purge) {
		c->counts->skipped++;
		c->counts->absent[OP_TRIM]++;
		return;
	}
	c->allocator_called = true;
	allocator_enter(c);
	uint64_t began_ns = timed_begin(c);

	e.result = c->alloc->purge(c->alloc);
	timed_end(c, began_ns);
	allocator_leave(c);
	if (c->reached)
		reached_refusals(c, op->code, true);
	judge_quietly(c, &e);
	child_outcome(c, &e, 0);
}
