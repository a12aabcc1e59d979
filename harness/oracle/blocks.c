/* The two ordered trees of live blocks. */
#include "harness/oracle/model_internal.h"

/* The slot decides between blocks at one address. */
static int block_cmp(const struct block *a, const struct block *b)
{
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a < b ? -1 : a > b;
}

#define TREE_ATTR __attribute__((unused)) static

RB_GENERATE_INTERNAL(sound_tree, block, link, block_cmp, TREE_ATTR)

static uintptr_t reach_of(const struct block *b)
{
	return b ? b->reach : 0;
}

static void update_reach(struct block *b)
{
	uintptr_t left = reach_of(RB_LEFT(b, link)), right = reach_of(RB_RIGHT(b, link));
	uintptr_t reach = block_requested(b).last;

	reach = left > reach ? left : reach;
	b->reach = right > reach ? right : reach;
}

/*
 * The macros call this on the lowest node whose subtree changed, and around rotations; they do
 * not do so for every ancestor, so it goes up to the root itself.
 */
static void update_reach_upwards(struct block *b)
{
	for (; b; b = RB_PARENT(b, link))
		update_reach(b);
}

#undef RB_AUGMENT
#define RB_AUGMENT(b) update_reach_upwards(b)

RB_GENERATE_INTERNAL(tainted_tree, block, link, block_cmp, TREE_ATTR)

static void tree_insert(struct model *m, struct block *b)
{
	if (b->tainted) {
		b->reach = block_requested(b).last;
		RB_INSERT(tainted_tree, &m->tainted, b);
	} else {
		RB_INSERT(sound_tree, &m->sound, b);
	}
}

static void tree_remove(struct model *m, struct block *b)
{
	if (b->tainted)
		RB_REMOVE(tainted_tree, &m->tainted, b);
	else
		RB_REMOVE(sound_tree, &m->sound, b);
}

void blocks_place(struct model *m, struct block *b)
{
	tree_insert(m, b);
	b->state = BLOCK_LIVE;
	m->live_blocks++;
	m->live_bytes += b->size;
	if (m->live_bytes > m->live_peak_bytes)
		m->live_peak_bytes = m->live_bytes;
}

void blocks_take(struct model *m, struct block *b)
{
	tree_remove(m, b);
	b->state = BLOCK_HELD;
	m->live_blocks--;
	m->live_bytes -= b->size;
}

void blocks_taint(struct model *m, struct block *b)
{
	bool in_tree = b->state == BLOCK_LIVE;

	if (b->tainted)
		return;
	extents_drop(&m->extents, &b->extents);
	if (in_tree)
		tree_remove(m, b);
	b->tainted = true;
	if (in_tree)
		tree_insert(m, b);
}

struct block *blocks_sound_at(struct model *m, struct span s)
{
	struct block *b = RB_ROOT(&m->sound), *found = NULL;

	while (b) {
		if (block_occupied(b).last >= s.start) {
			found = b;
			b = RB_LEFT(b, link);
		} else {
			b = RB_RIGHT(b, link);
		}
	}
	return found && found->start <= s.last ? found : NULL;
}

struct block *blocks_tainted_at(struct model *m, struct span s)
{
	struct block *b = RB_ROOT(&m->tainted);

	while (b && !spans_meet(block_requested(b), s)) {
		struct block *left = RB_LEFT(b, link);

		/* If the left subtree reaches `s` but holds no answer, the right one has none. */
		b = left && left->reach >= s.start ? left : RB_RIGHT(b, link);
	}
	return b;
}

bool blocks_share_start(struct block *b)
{
	if (!b->tainted)
		return false;
	/* Blocks at one address are neighbours in the tree. */
	const struct block *before = RB_PREV(tainted_tree, NULL, b);
	const struct block *after = RB_NEXT(tainted_tree, NULL, b);

	return (before && before->start == b->start) || (after && after->start == b->start);
}
