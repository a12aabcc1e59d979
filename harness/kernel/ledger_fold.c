/*
 * Brings the VMAs that are kept in step with those of the kernel.
 *
 * A fold passes once over a stretch of addresses, upwards, with the VMAs that were kept on one side
 * and the kernel's on the other. Nodes are given new bounds where they can be, so that a VMA that
 * grew, shrank or merged costs no change of the tree.
 */
#include <errno.h>

#include "harness/kernel/ledger_priv.h"

#define NONE UINTPTR_MAX

/* What is left of a VMA that was kept: from the place that the fold has reached. */
struct kept {
	uintptr_t start, end;  /* NONE: there are no more */
	struct vma_node *node; /* NULL: it stands for a new VMA by now */
	uint32_t flags;
	uint32_t owners;
};

struct fold {
	struct ledger *l;
	const struct effect *effect; /* what its call mapped and unmapped is settled already */
	uintptr_t at;		     /* all below is in step */
	struct kept kept;	     /* the first that ends behind `at` */
	struct vma_node *next;	     /* the node behind kept's */
	bool afresh;		     /* nothing is known of the allocator's ranges */
	uint64_t changed;	     /* VMAs with an owner that came, went or have other bounds */
};

static bool is_within(struct span s, struct span outer)
{
	return s.start >= outer.start && s.end <= outer.end;
}

void ledger_count(struct ledger *l, struct vma_node *n, uint32_t owners)
{
	struct ledger_counts *c = &l->now;

	if (owners == n->owners)
		return;
	c->maps += (owners != 0) - (n->owners != 0);
	for (uint32_t i = 0; i < CALLERS; i++)
		c->maps_by[i] += (int64_t)(owners >> i & 1) - (int64_t)(n->owners >> i & 1);
	n->owners = owners;
}

static void keep_next(struct fold *f, struct vma_node *n)
{
	f->kept = (struct kept){NONE, NONE, NULL, 0, 0};
	f->next = NULL;
	if (!n)
		return;
	f->kept = (struct kept){n->start, n->end, n, n->flags, n->owners};
	f->next = vma_table_next(n);
}

static void remove_kept(struct fold *f)
{
	struct vma_node *n = f->kept.node;

	if (!n)
		return;
	f->changed += n->owners != 0;
	ledger_count(f->l, n, 0);
	vma_table_remove(&f->l->vmas, n);
	f->l->now.total_maps--;
	f->kept.node = NULL;
}

/* Nothing is mapped from here to `to`. */
static int pass_gap(struct fold *f, uintptr_t to)
{
	struct span gap = {f->at, to};
	const struct effect *e = f->effect;

	if (gap.start >= gap.end)
		return 0;
	while (f->kept.end <= to && f->kept.start < to) {
		remove_kept(f);
		keep_next(f, f->next);
	}
	if (f->kept.start < to)
		f->kept.start = to;
	f->at = to;
	if (e && (is_within(gap, e->gone) || (!e->keeps_from && is_within(gap, e->from))))
		return 0;
	return ledger_drop(f->l, gap);
}

/* [start, end) is mapped and was not before. */
static int pass_added(struct fold *f, uintptr_t start, uintptr_t end)
{
	struct span s = {start, end};

	if (f->afresh || (f->effect && is_within(s, f->effect->fresh)))
		return 0;
	return ledger_claim(f->l, s);
}

/*
 * Passes the kept VMAs that `v` covers. The first node among them is returned, to stand for it;
 * NULL when there is none.
 */
static int pass_covered(struct fold *f, const struct procmap_vma *v, struct vma_node **ret_node)
{
	uintptr_t at = v->start;
	int err = 0;

	*ret_node = NULL;
	while (!err && f->kept.start < v->end) {
		if (f->kept.start > at)
			err = pass_added(f, at, f->kept.start);
		if (!*ret_node) {
			*ret_node = f->kept.node;
			f->kept.node = NULL;
		} else {
			remove_kept(f);
		}
		at = f->kept.end;
		if (f->kept.end > v->end) {
			f->kept.start = v->end;
			return err;
		}
		keep_next(f, f->next);
	}
	if (!err && at < v->end)
		err = pass_added(f, at, v->end);
	return err;
}

static struct vma_node *insert_here(struct fold *f)
{
	struct vma_node *n =
		vma_table_insert_before(&f->l->vmas, f->kept.node ? f->kept.node : f->next);

	if (!n)
		return NULL;
	n->start = n->end = 0;
	n->owners = 0;
	f->l->now.total_maps++;
	return n;
}

/* The kernel has `v`, and nothing else from here to its end. */
static int pass_vma(struct fold *f, const struct procmap_vma *v)
{
	struct span s = {v->start, v->end};
	struct vma_node *n;
	int err = pass_gap(f, v->start);

	if (!err && f->afresh)
		err = ledger_claim(f->l, s);
	if (!err)
		err = pass_covered(f, v, &n);
	if (err)
		return err;
	if (!n)
		n = insert_here(f);
	if (!n)
		return -ENOSPC;
	uint32_t owners = ledger_owners(f->l, s);

	f->changed += (n->start != v->start || n->end != v->end) && (n->owners | owners);
	n->start = v->start;
	n->end = v->end;
	n->flags = v->flags;
	ledger_count(f->l, n, owners);
	f->at = v->end;
	return 0;
}

/* What is left of a kept VMA is there and a VMA of its own. */
static int pass_kept(struct fold *f)
{
	return pass_vma(f, &(struct procmap_vma){f->kept.start, f->kept.end, f->kept.flags});
}

/* Whether more of a kept VMA is left than its untouched node says. */
static bool is_cut(const struct kept *k)
{
	return k->start != NONE && (!k->node || k->node->start != k->start);
}

/* Start and end are NONE where no VMA follows. An allocator may have closed the descriptor. */
static int ask(struct ledger *l, uintptr_t address, struct procmap_vma *ret_vma)
{
	struct accounts *acc = l->accounts;
	int err = procmap_at_or_above(acc->fd[PROC_MAPS], address, ret_vma);

	if (err == -EBADF || err == -ENOTTY) {
		err = accounts_check_files(acc);
		if (!err)
			err = procmap_at_or_above(acc->fd[PROC_MAPS], address, ret_vma);
	}
	if (err != -ENOENT)
		return err;
	*ret_vma = (struct procmap_vma){NONE, NONE, 0};
	return 0;
}

/*
 * *ret_vma is the kernel's VMA at or above `start`, or, where that begins lower, at or above the
 * lower place from which both sides can be compared: a merge swallows neighbours below.
 */
static int find_left(struct ledger *l, uintptr_t start, struct procmap_vma *ret_vma,
		     struct vma_node **ret_node, uintptr_t *ret_left)
{
	struct vma_node *n = vma_table_at_or_above(&l->vmas, start);
	int err = ask(l, start, ret_vma);

	while (!err && ret_vma->start < start) {
		start = ret_vma->start;
		n = vma_table_at_or_above(&l->vmas, start);
		if (n && n->start < start) { /* nobody told that it was cut there */
			start = n->start;
			err = ask(l, start, ret_vma);
		}
	}
	*ret_node = n;
	*ret_left = start;
	return err;
}

/*
 * The kernel has nothing below `v` that was touched. True when what follows is what was kept, and
 * so the fold at its end.
 */
static int pass_right(struct fold *f, const struct procmap_vma *v, bool *ret_done)
{
	const struct kept *k = &f->kept;

	*ret_done = v->start == k->start && v->end == k->end;
	if (!*ret_done)
		return 0;
	if (is_cut(k))
		return pass_vma(f, v);
	if (k->node)
		k->node->flags = v->flags;
	return 0;
}

/* What of a kept VMA lies behind the touched range is as it was, unless the kernel says more. */
static int follow_right(struct fold *f, uintptr_t end, struct procmap_vma *v)
{
	uintptr_t edge = end;
	bool asked = true, done = false;
	int err = 0;

	while (!err && !done) {
		if (!asked && f->at >= end && !is_cut(&f->kept))
			return 0;
		if (!asked && f->at == edge)
			return pass_kept(f);
		if (!asked)
			err = ask(f->l, f->at, v);
		asked = false;
		if (!err && v->start >= end) {
			err = pass_gap(f, end);
			if (!err)
				err = pass_right(f, v, &done);
			end = v->end;
		}
		if (err || done)
			return err;
		err = v->start == NONE ? pass_gap(f, NONE) : pass_vma(f, v);
		done = v->start == NONE;
	}
	return err;
}

int ledger_follow(struct ledger *l, struct span s, const struct effect *effect)
{
	struct fold f = {.l = l, .effect = effect};
	struct procmap_vma v;
	struct vma_node *n;
	int err;

	if (s.start >= s.end)
		return 0;
	err = find_left(l, s.start, &v, &n, &f.at);
	if (err)
		return err;
	keep_next(&f, n);
	if (f.kept.start < f.at) { /* what the call cut off below stays as it was */
		struct procmap_vma left = {f.kept.start, f.at, f.kept.flags};

		f.at = left.start;
		err = pass_vma(&f, &left);
	}
	return err ? err : follow_right(&f, s.end, &v);
}

static void reread_begin(void *ctx)
{
	struct fold *f = ctx;

	ledger_recount_own(f->l);
	f->at = 0;
	keep_next(f, vma_table_at_or_above(&f->l->vmas, 0));
}

static int reread_vma(void *ctx, const struct vma *found)
{
	return pass_vma(ctx, &(struct procmap_vma){found->start, found->end, found->flags});
}

int ledger_reread(struct ledger *l, uint64_t *ret_vmas)
{
	struct fold f = {.l = l, .afresh = true};
	int err = accounts_check_files(l->accounts);

	if (!err)
		err = maps_walk(&l->accounts->maps,
				&(struct maps_visitor){reread_begin, reread_vma, &f});
	if (!err)
		err = pass_gap(&f, NONE);
	if (!err)
		*ret_vmas = f.changed;
	return err;
}

struct absent {
	struct ledger *l;
	uintptr_t at;
};

static void absent_begin(void *ctx)
{
	struct absent *a = ctx;

	a->at = 0;
}

static int absent_vma(void *ctx, const struct vma *found)
{
	struct absent *a = ctx;
	struct span gap = {a->at, found->start};

	a->at = found->end;
	return ledger_drop(a->l, gap);
}

int ledger_drop_absent(struct ledger *l)
{
	struct absent a = {.l = l};
	int err = accounts_check_files(l->accounts);

	if (!err)
		err = maps_walk(&l->accounts->maps,
				&(struct maps_visitor){absent_begin, absent_vma, &a});
	return err ? err : ledger_drop(l, (struct span){a.at, NONE});
}

int ledger_moved_part(struct ledger *l, struct span from, struct span *ret_moved)
{
	struct vma_node *n = vma_table_at_or_above(&l->vmas, from.start);
	struct span moved = {from.start, from.start};
	struct procmap_vma v;
	int err = 0;

	for (; n && n->start < from.end; n = vma_table_next(n)) {
		uintptr_t start = n->start > from.start ? n->start : from.start;

		err = ask(l, start, &v);
		if (err || v.start <= start)
			break;
		moved.end = n->end < from.end ? n->end : from.end;
	}
	if (!err)
		*ret_moved = moved;
	return err;
}
