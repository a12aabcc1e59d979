#include "harness/base/range_set.h"

#include <bsd/sys/tree.h>
#include <errno.h>

struct node {
	RB_ENTRY(node) link; /* link.rbe_left chains the free ones */
	struct range range;
};

RB_HEAD(range_tree, node);

struct range_set {
	struct range_tree tree;
	struct node *nodes, *freed;
	uint32_t capacity, count;
	uint32_t fresh; /* nodes[fresh..] were never used: their pages stay untouched */
};

static int node_cmp(const struct node *a, const struct node *b)
{
	return a->range.start < b->range.start ? -1 : a->range.start > b->range.start;
}

/* RB_GENERATE_STATIC needs a macro __unused that only the BSDs define. */
RB_GENERATE_INTERNAL(range_tree, node, link, node_cmp, __attribute__((unused)) static)

size_t range_set_arena_bytes(uint32_t capacity)
{
	return sizeof(struct range_set) + (size_t)capacity * sizeof(struct node) +
	       2 * _Alignof(max_align_t);
}

int range_set_new(struct arena *a, uint32_t capacity, struct range_set **ret_set)
{
	struct range_set *s = arena_take(a, sizeof(*s), _Alignof(max_align_t));
	struct node *nodes =
		arena_take(a, (size_t)capacity * sizeof(*nodes), _Alignof(max_align_t));

	if (!s || !nodes)
		return -ENOMEM;
	*s = (struct range_set){.nodes = nodes, .capacity = capacity};
	*ret_set = s;
	return 0;
}

static uint32_t nodes_left(const struct range_set *s)
{
	return s->capacity - s->count;
}

static void node_insert(struct range_set *s, struct range r)
{
	struct node *n = s->freed;

	if (n)
		s->freed = RB_LEFT(n, link);
	else
		n = &s->nodes[s->fresh++];
	n->range = r;
	RB_INSERT(range_tree, &s->tree, n);
	s->count++;
}

static void node_remove(struct range_set *s, struct node *n)
{
	RB_REMOVE(range_tree, &s->tree, n);
	RB_LEFT(n, link) = s->freed;
	s->freed = n;
	s->count--;
}

/* The lowest node that shares an address with [start, end). */
static struct node *first_node(const struct range_set *s, uintptr_t start, uintptr_t end)
{
	struct node *n = RB_ROOT(&s->tree), *found = NULL;

	while (n) {
		if (n->range.end > start) {
			found = n;
			n = RB_LEFT(n, link);
		} else {
			n = RB_RIGHT(n, link);
		}
	}
	return found && found->range.start < end ? found : NULL;
}

static bool splits(const struct node *n, uintptr_t start, uintptr_t end)
{
	return n && n->range.start < start && n->range.end > end;
}

/* Whether cutting [start, end) out frees a node: `n` is the first that it meets. */
static bool covers_any(struct node *n, uintptr_t start, uintptr_t end)
{
	if (n && n->range.start < start)
		n = RB_NEXT(range_tree, NULL, n);
	return n && n->range.end <= end;
}

/* Needs one free node where splits() says so. */
static void cut(struct range_set *s, uintptr_t start, uintptr_t end)
{
	struct node *n;

	while ((n = first_node(s, start, end))) {
		struct range old = n->range;

		if (old.start < start) {
			n->range.end = start;
			if (old.end > end)
				node_insert(s, (struct range){end, old.end, old.tag});
		} else if (old.end > end) {
			n->range.start = end; /* its place in the order stays */
		} else {
			node_remove(s, n);
		}
	}
}

int range_set_insert(struct range_set *s, uintptr_t start, uintptr_t end, uint64_t tag)
{
	if (start >= end)
		return 0;
	struct node *first = first_node(s, start, end);
	uint32_t need = splits(first, start, end) ? 2 : covers_any(first, start, end) ? 0 : 1;

	if (nodes_left(s) < need)
		return -ENOSPC;
	cut(s, start, end);
	node_insert(s, (struct range){start, end, tag});
	return 0;
}

int range_set_remove(struct range_set *s, uintptr_t start, uintptr_t end)
{
	if (start >= end)
		return 0;
	if (splits(first_node(s, start, end), start, end) && nodes_left(s) < 1)
		return -ENOSPC;
	cut(s, start, end);
	return 0;
}

bool range_set_first(const struct range_set *s, uintptr_t start, uintptr_t end,
		     struct range *ret_range)
{
	const struct node *n = start < end ? first_node(s, start, end) : NULL;

	if (!n)
		return false;
	*ret_range = n->range;
	return true;
}

uint32_t range_set_count(const struct range_set *s)
{
	return s->count;
}
