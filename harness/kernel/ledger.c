#include "harness/kernel/ledger.h"

#include <errno.h>

#include "harness/kernel/ledger_priv.h"

/* At the limit the table holds one VMA more; the limit may be raised a little while we run. */
#define VMAS_SLACK   4096
#define VMAS_MAX     (1u << 22)
#define VMAS_DEFAULT 65530

static uint32_t vma_capacity(void)
{
	int64_t limit = accounts_max_map_count();

	if (limit <= 0)
		limit = VMAS_DEFAULT;
	return limit > VMAS_MAX - VMAS_SLACK ? VMAS_MAX : (uint32_t)limit + VMAS_SLACK;
}

/* Joined ranges are parted by what is not mapped, by the program's and by what is excluded. */
static uint32_t allocator_capacity(const struct ledger_options *o)
{
	return vma_capacity() + o->program_ranges + ACCOUNTS_EXCLUSIONS;
}

size_t ledger_arena_bytes(const struct ledger_options *o)
{
	return sizeof(struct ledger) + _Alignof(max_align_t) +
	       vma_table_arena_bytes(vma_capacity()) + range_set_arena_bytes(o->program_ranges) +
	       range_set_arena_bytes(allocator_capacity(o));
}

int ledger_new(struct arena *a, const struct ledger_options *o, struct ledger **ret_ledger)
{
	struct ledger *l = arena_take(a, sizeof(*l), _Alignof(max_align_t));

	if (!l)
		return -ENOMEM;
	l->accounts = o->accounts;
	int err = vma_table_init(&l->vmas, a, vma_capacity());

	if (!err)
		err = range_set_new(a, o->program_ranges, &l->program);
	if (!err)
		err = range_set_new(a, allocator_capacity(o), &l->allocator);
	if (!err)
		*ret_ledger = l;
	return err;
}

static void raise_to(int64_t *peak, int64_t value)
{
	if (value > *peak)
		*peak = value;
}

/* Bytes follow from the ranges; each member of the peak rises by itself. */
static void settle(struct ledger *l)
{
	struct ledger_counts *now = &l->now, *peak = &l->peak;

	now->mapped_by[CALLER_ALLOCATOR] = (int64_t)range_set_bytes(l->allocator);
	now->mapped_by[CALLER_PROGRAM] = (int64_t)range_set_bytes(l->program) - l->program_excluded;
	now->mapped_bytes = now->mapped_by[CALLER_ALLOCATOR] + now->mapped_by[CALLER_PROGRAM];
	raise_to(&peak->total_maps, now->total_maps);
	raise_to(&peak->maps, now->maps);
	raise_to(&peak->mapped_bytes, now->mapped_bytes);
	for (int i = 0; i < CALLERS; i++) {
		raise_to(&peak->maps_by[i], now->maps_by[i]);
		raise_to(&peak->mapped_by[i], now->mapped_by[i]);
	}
}

/* The program's ranges are still kept, by what calls say alone. */
static void lose_exactness(struct ledger *l)
{
	l->exact = false;
	range_set_clear(l->allocator);
	vma_table_clear(&l->vmas);
	l->now = (struct ledger_counts){0};
}

static int reread(struct ledger *l, uint64_t *ret_vmas)
{
	int err = ledger_reread(l, ret_vmas);

	if (err)
		lose_exactness(l);
	else
		settle(l);
	return err;
}

int ledger_begin(struct ledger *l, bool *ret_exact)
{
	uint64_t vmas;
	int err;

	lose_exactness(l);
	err = accounts_check_files(l->accounts);
	if (!err)
		err = procmap_probe(l->accounts->fd[PROC_MAPS]);
	if (!err) {
		l->exact = true;
		err = reread(l, &vmas);
		l->peak = l->now;
	}
	if (err && err != -ENOTSUP && err != -ENOSPC)
		return err;
	*ret_exact = l->exact;
	return 0;
}

bool ledger_is_exact(const struct ledger *l)
{
	return l->exact;
}

static bool is_same(struct span a, struct span b)
{
	return a.start == b.start && a.end == b.end;
}

/*
 * `to` gets what is mapped in `from`, VMA by VMA: where there is none the kernel leaves alone what
 * lies at the same offset of `to`. A duplicate is of one VMA, and may be longer than that.
 */
static int move_mapped(struct ledger *l, const struct effect *e)
{
	struct vma_node *n = vma_table_at_or_above(&l->vmas, e->from.start);
	uintptr_t end = e->from.start + (e->to.end - e->to.start);
	int err = 0;

	if (end > e->from.end)
		end = e->from.end;
	if (is_same(e->fresh, e->to) && n && end > n->end)
		end = n->end;
	for (; !err && n && n->start < end; n = vma_table_next(n)) {
		struct span from = {n->start > e->from.start ? n->start : e->from.start,
				    n->end < end ? n->end : end};
		struct span to = {e->to.start + (from.start - e->from.start),
				  e->to.start + (from.end - e->from.start)};

		err = ledger_drop(l, to);
		if (!err)
			err = ledger_copy_program(l, from, to.start);
		if (!err)
			err = ledger_claim(l, to);
	}
	return err;
}

/* Without the VMAs: all of it. */
static int move_ranges(struct ledger *l, const struct effect *e)
{
	uintptr_t len = e->to.end - e->to.start;
	struct span from = e->from;

	if (from.end - from.start > len)
		from.end = from.start + len;
	return ledger_copy_program(l, from, e->to.start);
}

static bool is_empty(struct span s)
{
	return s.start >= s.end;
}

/* Changes the ranges, and leaves in *e only what the VMAs need not be asked about again. */
static int own(struct ledger *l, enum caller caller, uint32_t slot, struct effect *e)
{
	bool moves = !is_empty(e->from) && e->from.start != e->to.start;
	bool replaced = is_same(e->gone, e->fresh);
	int err = 0;

	if (!replaced && !(moves && l->exact))
		err = ledger_drop(l, e->gone);
	if (!err)
		err = ledger_own(l, caller, slot, e->fresh);
	if (!moves) {
		e->from = (struct span){0, 0};
		return err;
	}
	e->gone = (struct span){0, 0};
	if (!err)
		err = l->exact ? move_mapped(l, e) : move_ranges(l, e);
	if (!err && !e->keeps_from)
		err = ledger_drop(l, e->from);
	return err;
}

/* A refused mremap of several VMAs may have moved the first of them. */
static int cut_to_moved(struct ledger *l, struct effect *e)
{
	struct span moved = {0, 0};
	int err = l->exact ? ledger_moved_part(l, e->from, &moved) : 0;

	e->from = moved;
	e->to.end = e->to.start + (moved.end - moved.start);
	return err;
}

static int follow(struct ledger *l, const struct effect *e)
{
	uint64_t vmas;
	int err = 0;

	if (e->everything)
		return ledger_reread(l, &vmas);
	for (int i = 0; i < EFFECT_TOUCHED && !err; i++)
		err = ledger_follow(l, e->touched[i], e);
	return err;
}

int ledger_apply(struct ledger *l, const struct kernel_call *call, const struct effect *effect,
		 uint32_t slot)
{
	if (call->injected || (is_empty(effect->touched[0]) && !effect->everything))
		return 0;
	struct effect e = *effect;
	int err = e.partly ? cut_to_moved(l, &e) : 0;

	if (!err)
		err = own(l, call->caller, slot, &e);
	if (!err && l->exact)
		err = follow(l, &e);
	if (err)
		lose_exactness(l);
	else if (l->exact)
		settle(l);
	return err;
}

const struct ledger_counts *ledger_now(const struct ledger *l)
{
	return &l->now;
}

const struct ledger_counts *ledger_peak(const struct ledger *l)
{
	return &l->peak;
}

void ledger_restart_peak(struct ledger *l)
{
	l->peak = l->now;
}

const struct range_set *ledger_program(const struct ledger *l)
{
	return l->program;
}

/* What is mapped of it is the allocator's from now on: it is nobody else's. */
static int claim_mapped(struct ledger *l, struct span s)
{
	struct vma_node *n = vma_table_at_or_above(&l->vmas, s.start);
	int err = 0;

	for (; !err && n && n->start < s.end; n = vma_table_next(n)) {
		err = ledger_claim(l, (struct span){n->start > s.start ? n->start : s.start,
						    n->end < s.end ? n->end : s.end});
		if (!err)
			ledger_count(l, n, ledger_owners(l, (struct span){n->start, n->end}));
	}
	return err;
}

int ledger_disown(struct ledger *l, uintptr_t start, uintptr_t end)
{
	struct span s = {start, end};
	int err = ledger_drop(l, s);

	if (!err && l->exact)
		err = claim_mapped(l, s);
	if (err)
		lose_exactness(l);
	else if (l->exact)
		settle(l);
	return err;
}

uint64_t ledger_maps_over(const struct ledger *l, uintptr_t start, uintptr_t end, uintptr_t *from)
{
	struct vma_node *n = vma_table_at_or_above(&l->vmas, start > *from ? start : *from);
	uint64_t maps = 0;

	for (; n && n->start < end; n = vma_table_next(n)) {
		if (n->start < *from)
			continue;
		maps++;
		*from = n->end;
	}
	return maps;
}

/* At the boundary `at`: whether a VMA lies on the side that is asked for, and reaches over it. */
static enum ledger_side side_of(const struct ledger *l, uintptr_t at, bool above)
{
	const struct vma_node *n = vma_table_at_or_above(&l->vmas, above ? at : at - 1);

	if (!n || n->start > (above ? at : at - 1))
		return LEDGER_NOTHING;
	return n->start < at && n->end > at ? LEDGER_SAME : LEDGER_OTHER;
}

struct ledger_sides ledger_sides_of(const struct ledger *l, uintptr_t start, uintptr_t end)
{
	return (struct ledger_sides){
		.below = start ? side_of(l, start, false) : LEDGER_NOTHING,
		.above = side_of(l, end, true),
	};
}

int ledger_resident(const struct ledger *l, int64_t *ret_bytes)
{
	struct range r;
	int64_t sum = 0;

	if (!l->exact)
		return -ENOTSUP;
	for (uintptr_t at = 0; range_set_first(l->allocator, at, UINTPTR_MAX, &r); at = r.end) {
		int64_t bytes;
		int err = accounts_resident(l->accounts, r.start, r.end, &bytes);

		if (err)
			return err;
		sum += bytes;
	}
	*ret_bytes = sum;
	return 0;
}

int ledger_reconcile(struct ledger *l, struct ledger_drift *ret_drift)
{
	struct ledger_counts before = l->now;
	uint64_t vmas = 0;
	int err = l->exact ? reread(l, &vmas) : ledger_drop_absent(l);

	if (err)
		return err;
	*ret_drift = (struct ledger_drift){
		.vmas = vmas,
		.maps = l->now.maps - before.maps,
		.mapped_bytes = l->now.mapped_bytes - before.mapped_bytes,
	};
	return 0;
}

int ledger_after_fork(struct ledger *l)
{
	struct ledger_drift drift;

	return ledger_reconcile(l, &drift);
}
