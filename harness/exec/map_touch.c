#include "harness/exec/map_touch.h"

#include <errno.h>
#include <stdint.h>

#include "harness/exec/child.h"
#include "harness/exec/crash.h"
#include "harness/exec/owned.h"

static void write_words(struct child *c, uintptr_t start, size_t len)
{
	for (size_t off = 0; off < len; off += c->page_bytes)
		*(volatile uint64_t *)(start + off) = start + off;
}

/* One word in every page of [start, start + len) that is the slot's. EFAULT where one faults. */
static int touch_guarded(struct child *c, uint32_t slot, uintptr_t start, size_t len)
{
	struct crash_guard guard = {.start = start, .end = start + len};
	struct crash_handlers handlers;
	bool may_fault = !c->m[slot].plain;

	if (may_fault)
		crash_handlers_take(&handlers);
	if (sigsetjmp(guard.env, 0) != 0) {
		if (may_fault)
			crash_handlers_give_back(&handlers);
		return EFAULT;
	}
	crash_guard_arm(&guard);
	if (c->model && c->m[slot].plain)
		model_map_touch(c->model, slot, start, len);
	else
		write_words(c, start, len);
	crash_guard_disarm();
	if (may_fault)
		crash_handlers_give_back(&handlers);
	return 0;
}

void map_vanished(struct child *c, const struct call_event *e)
{
	struct finding f = {
		.kind = FINDING_LOST_CONTENT,
		.rule = RULE_CONTENT_VANISHED,
		.op_code = e->op->code,
		.thread = e->op->thread,
		.in_fork = e->in_fork,
		.has_slot = SPACE_MAP,
		.stmt = (int32_t)e->op->stmt,
		.slot = e->slot,
		.iteration = e->iteration,
		.count = 1,
		.n = {c->m[e->slot].start, c->m[e->slot].len},
	};

	finding_add(&c->shared->findings, &f);
}

int map_touch_run(struct child *c, const struct op *op, uint32_t slot, const struct call_event *e)
{
	const struct map_slot *m = &c->m[slot];
	uint64_t off = op->has_range ? op->range_off : 0;
	uint64_t len = op->has_range ? op->range_len : m->len;
	struct range r;

	if (off > m->len || len > m->len - off)
		return MAP_OP_SKIPPED;
	uintptr_t at = m->start + off / c->page_bytes * c->page_bytes, end = m->start + off + len;
	int err = 0;

	while (at < end && !err) {
		if (!owned_first(c, at, end, &r) || r.tag != slot || r.start > at)
			return EFAULT;
		uintptr_t to = r.end < end ? r.end : end;

		position_phase(c->pos, PHASE_TOUCH);
		err = touch_guarded(c, slot, at, to - at);
		position_phase(c->pos, PHASE_HARNESS);
		at = to;
	}
	if (err == EFAULT && m->plain && c->model)
		map_vanished(c, e);
	return err;
}
