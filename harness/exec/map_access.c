#include "harness/exec/map_access.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>

#include "harness/exec/child.h"
#include "harness/exec/crash.h"
#include "harness/exec/owned.h"

/* Faults after which a look at content goes on: each may be of another kind. */
#define CONTENT_FAULTS 16

/*
 * Pages that are read at the end, in steps between heartbeats. Pages of a shared mapping that
 * nobody touched cost memory when they are read: no more than a quarter of a GiB in each half.
 */
#define END_PAGES      (1u << 16) /* by the process of the program itself */
#define END_FORK_PAGES (1u << 16) /* by all fork children together */
#define END_FED_PAGES  256	  /* of a program that is handed over: the next one waits */
#define END_STEP_PAGES 4096

/* What is done to memory that may fault. */
struct work {
	struct page_access access;
	bool content; /* no access: looks at what was written */
	const struct call_event *e;
};

struct fault {
	uintptr_t address;
	int signal; /* 0: none */
};

/* The accesses without a model: nothing is judged. */
static void access_unjudged(const struct child *c, const struct page_access *a)
{
	for (uintptr_t at = a->start; at < a->end; at += c->page_bytes) {
		_Atomic uint64_t *word = (_Atomic uint64_t *)at;

		if (a->kind == PAGES_CHECK)
			(void)atomic_load_explicit(word, memory_order_relaxed);
		else if (a->kind == PAGES_TOUCH)
			atomic_store_explicit(word, at, memory_order_relaxed);
		else
			atomic_fetch_add_explicit(word, a->add, memory_order_relaxed);
	}
}

static void work_on(struct child *c, const struct work *w)
{
	struct finding_sink *sink = &c->shared->findings;

	if (w->content)
		pages_check_touched(c->pages, w->access.start, w->access.end, w->e, sink);
	else if (c->pages)
		pages_access(c->pages, &w->access, w->e, sink);
	else
		access_unjudged(c, &w->access);
}

/* Nothing that is set here is looked at behind the fault, but for the guard. */
static struct fault guarded(struct child *c, const struct work *w)
{
	struct crash_guard guard = {.start = w->access.start, .end = w->access.end};

	if (sigsetjmp(guard.env, 0) != 0)
		return (struct fault){guard.fault, guard.signal};
	crash_guard_arm(&guard);
	work_on(c, w);
	crash_guard_disarm();
	return (struct fault){0};
}

/* Whether the model says that every page of it can be accessed. */
static bool must_succeed(const struct child *c, const struct page_access *a)
{
	struct page_view view;

	for (uintptr_t at = a->start; c->pages && at < a->end; at = view.end) {
		pages_look(c->pages, at, &view);
		if (view.can != PAGE_WRITES && !(a->kind == PAGES_CHECK && view.can == PAGE_READS))
			return false;
	}
	return c->pages != NULL;
}

/*
 * Faults that are to come go past the allocator's handlers. (Of one that is not, the allocator's
 * would tell ours, or be an end that is found as a crash.)
 */
static struct fault access_pages(struct child *c, const struct work *w)
{
	struct crash_handlers handlers;
	bool may_fault = !c->kernel && !w->content && !must_succeed(c, &w->access);

	if (may_fault)
		crash_handlers_take(&handlers);
	position_phase(c->pos, PHASE_TOUCH);
	struct fault f = guarded(c, w);

	position_phase(c->pos, PHASE_HARNESS);
	if (may_fault)
		crash_handlers_give_back(&handlers);
	if (f.signal && c->pages)
		pages_access_faulted(c->pages, f.address, f.signal, w->e, &c->shared->findings);
	return f;
}

/* The op's pages; false where they are not all in the slot's span. */
static bool pages_of(const struct child *c, const struct op *op, uint32_t slot,
		     struct page_access *ret_access)
{
	static const enum page_access_kind kinds[OP_CODES] = {
		[OP_CHECK] = PAGES_CHECK, [OP_TOUCH] = PAGES_TOUCH, [OP_ADD] = PAGES_ADD};
	const struct map_slot *m = &c->m[slot];
	uint64_t off = op->has_range ? op->range_off : 0;
	uint64_t len = op->has_range ? op->range_len : m->len;

	if (off > m->len || len > m->len - off)
		return false;
	*ret_access = (struct page_access){
		.kind = kinds[op->code],
		.start = m->start + off / c->page_bytes * c->page_bytes,
		.end = len ? page_up(c, m->start + off + len) : 0,
		.add = op->arg0,
	};
	return true;
}

/* The first page of [start, end) that the program does not have, as the ledger knows; or end. */
static uintptr_t first_hole(const struct child *c, uintptr_t start, uintptr_t end)
{
	struct range r;

	while (start < end && owned_first(c, start, end, &r) && r.start <= start)
		start = r.end;
	return start < end ? start : end;
}

/* The program has it, as the model knows: whoever made the hole was not the program. */
static bool was_taken(const struct child *c, uintptr_t at, struct page_view *ret_view)
{
	*ret_view = (struct page_view){0};
	if (c->pages)
		pages_look(c->pages, at, ret_view);
	return ret_view->mapped;
}

/* A page of the program's own that could be accessed is gone; said once. */
static void report_taken(struct child *c, const struct call_event *e, uintptr_t at,
			 const struct page_view *was)
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
		.n = {at, SIGSEGV},
	};

	if (was->can == PAGE_READS || was->can == PAGE_WRITES)
		finding_add(&c->shared->findings, &f);
	pages_unknown(c->pages, at, was->end);
}

int map_access_run(struct child *c, const struct op *op, uint32_t slot, const struct call_event *e)
{
	struct work w = {.e = e};
	struct page_access *a = &w.access;

	if (!pages_of(c, op, slot, a))
		return MAP_OP_SKIPPED;
	uintptr_t end = a->end, hole = first_hole(c, a->start, end);
	bool reaches = hole == end || owned_reaches(c, slot, hole, end);
	struct page_view was;
	bool taken = hole < end && was_taken(c, hole, &was);

	if (!reaches && !taken)
		return MAP_OP_SKIPPED;
	if (!reaches || !c->kernel)
		a->end = hole;
	struct fault f = a->start < a->end ? access_pages(c, &w) : (struct fault){0};

	if (!f.signal && a->end < end) {
		f = (struct fault){hole, SIGSEGV};
		if (taken)
			report_taken(c, e, hole, &was);
	}
	if (!f.signal)
		return 0;
	return f.signal == SIGBUS ? OUTCOME_SIGBUS : OUTCOME_SIGSEGV;
}

void map_content_leaves(struct child *c, uintptr_t start, uintptr_t end, const struct call_event *e)
{
	struct work w = {.access = {.start = start, .end = end}, .content = true, .e = e};

	for (int i = 0; c->pages && i < CONTENT_FAULTS && w.access.start < end; i++) {
		struct fault f = access_pages(c, &w);

		if (!f.signal)
			return;
		w.access.start = f.address / c->page_bytes * c->page_bytes + c->page_bytes;
	}
}

static bool budget_is_spent(const struct child *c, uint64_t spent)
{
	if (c->proc)
		return atomic_load(&c->shared->end_pages) >= END_FORK_PAGES;
	return spent >= (c->shared->config.fed ? END_FED_PAGES : END_PAGES);
}

/* Of pages that cannot be accessed, as the model has it, one speaks for all. */
static uintptr_t behind_fault(const struct child *c, uintptr_t at)
{
	struct page_view view;

	pages_look(c->pages, at, &view);
	if (view.can == PAGE_FAULTS || view.can == PAGE_BUS)
		return view.end;
	return at + c->page_bytes;
}

/* Reads a step of [at, end). Returns how far it came, beyond pages that are like the last one. */
static uintptr_t read_step(struct child *c, uintptr_t at, uintptr_t end, uint64_t *spent,
			   const struct call_event *e)
{
	struct work w = {.access = {.kind = PAGES_CHECK, .start = at, .end = end}, .e = e};

	size_t most = (c->shared->config.fed ? END_FED_PAGES : END_STEP_PAGES) * c->page_bytes;

	if (end - at > most)
		w.access.end = at + most;
	struct fault f = access_pages(c, &w);
	uintptr_t last =
		f.signal ? f.address / c->page_bytes * c->page_bytes : w.access.end - c->page_bytes;
	uint32_t pages = (uint32_t)((last - at) / c->page_bytes) + 1;

	*spent += pages;
	if (c->proc)
		atomic_fetch_add(&c->shared->end_pages, pages);
	child_beat(c);
	return f.signal ? behind_fault(c, last) : w.access.end;
}

/*
 * The next pages from `at` on that the program has, as the model or the ledger knows. In a fork
 * child not those of objects: what its reading would bring into being its parent would have.
 */
static bool next_part(const struct child *c, uintptr_t at, uintptr_t top, struct range *ret_part)
{
	struct page_view view;
	struct range r;

	for (; at < top; at = view.end) {
		pages_look(c->pages, at, &view);
		bool found = view.mapped || owned_first(c, at, view.end, &r);

		if (!found || (c->proc && view.shows_object))
			continue;
		ret_part->start = view.mapped || r.start < at ? at : r.start;
		ret_part->end = view.mapped || r.end > view.end ? view.end : r.end;
		return true;
	}
	return false;
}

static void read_all(struct child *c, uintptr_t top, const struct call_event *e)
{
	uint64_t spent = 0;
	uintptr_t at = 0;
	struct range r;

	while (!budget_is_spent(c, spent) && next_part(c, at, top, &r))
		at = read_step(c, r.start, r.end, &spent, e);
}

void map_content_end(struct child *c, const struct call_event *e)
{
	const uintptr_t top = UINTPTR_MAX & -c->page_bytes;
	struct page_view view;

	if (!c->pages)
		return;
	for (uintptr_t at = 0; at < top; at = view.end) {
		pages_look(c->pages, at, &view);
		if (view.mapped)
			map_content_leaves(c, at, view.end, e);
	}
	if (c->kernel)
		read_all(c, top, e);
}
