#include "harness/kernel/vma_table.h"

#include <errno.h>

static int node_cmp(const struct vma_node *a, const struct vma_node *b)
{
	return a->start < b->start ? -1 : a->start > b->start;
}

/* RB_GENERATE_STATIC needs a macro __unused that only the BSDs define. */
RB_GENERATE_INTERNAL(vma_tree, vma_node, link, node_cmp, __attribute__((unused)) static)

size_t vma_table_arena_bytes(uint32_t capacity)
{
	return ((size_t)capacity + 1) * sizeof(struct vma_node);
}

int vma_table_init(struct vma_table *t, struct arena *a, uint32_t capacity)
{
	struct vma_node *nodes =
		arena_take(a, capacity * sizeof(*nodes), _Alignof(struct vma_node));

	if (!nodes)
		return -ENOMEM;
	*t = (struct vma_table){.nodes = nodes, .capacity = capacity};
	return 0;
}

void vma_table_clear(struct vma_table *t)
{
	*t = (struct vma_table){.nodes = t->nodes, .capacity = t->capacity};
}

struct vma_node *vma_table_at_or_above(const struct vma_table *t, uintptr_t address)
{
	struct vma_node *n = RB_ROOT(&t->tree), *found = NULL;

	while (n) {
		if (n->end > address) {
			found = n;
			if (n->start <= address)
				break;
			n = RB_LEFT(n, link);
		} else {
			n = RB_RIGHT(n, link);
		}
	}
	return found;
}

struct vma_node *vma_table_next(struct vma_node *n)
{
	return RB_NEXT(vma_tree, NULL, n);
}

static struct vma_node *node_take(struct vma_table *t)
{
	struct vma_node *n = t->freed;

	if (n)
		t->freed = RB_LEFT(n, link);
	else if (t->fresh < t->capacity)
		n = &t->nodes[t->fresh++];
	return n;
}

/* The place is known, so nothing is searched: it is a free link of one of its two neighbours. */
struct vma_node *vma_table_insert_before(struct vma_table *t, struct vma_node *next)
{
	struct vma_node *n = node_take(t);

	if (!n)
		return NULL;
	t->count++;
	if (next && !RB_LEFT(next, link)) {
		RB_SET(n, next, link);
		RB_LEFT(next, link) = n;
	} else {
		struct vma_node *prev =
			next ? RB_PREV(vma_tree, NULL, next) : RB_MAX(vma_tree, &t->tree);

		RB_SET(n, prev, link);
		if (prev)
			RB_RIGHT(prev, link) = n;
		else
			RB_ROOT(&t->tree) = n;
	}
	vma_tree_RB_INSERT_COLOR(&t->tree, n);
	return n;
}

void vma_table_remove(struct vma_table *t, struct vma_node *n)
{
	RB_REMOVE(vma_tree, &t->tree, n);
	RB_LEFT(n, link) = t->freed;
	t->freed = n;
	t->count--;
}
