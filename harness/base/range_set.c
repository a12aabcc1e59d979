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
	uint64_t bytes;
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
		arena_take_raw(a, (size_t)capacity * sizeof(*nodes), _Alignof(max_align_t));

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
	s->bytes += r.end - r.start;
}

static void node_remove(struct range_set *s, struct node *n)
{
	RB_REMOVE(range_tree, &s->tree, n);
	RB_LEFT(n, link) = s->freed;
	s->freed = n;
	s->count--;
	s->bytes -= n->range.end - n->range.start;
}

/* The new bounds must leave its place in the order as it is. */
static void node_resize(struct range_set *s, struct node *n, uintptr_t start, uintptr_t end)
{
	s->bytes += (end - start) - (n->range.end - n->range.start);
	n->range.start = start;
	n->range.end = end;
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

/* `n` is the first node that it meets. Needs one free node where splits() says so. */
static void cut(struct range_set *s, struct node *n, uintptr_t start, uintptr_t end)
{
	struct node *next;

	for (; n && n->range.start < end; n = next) {
		struct range old = n->range;

		next = old.end < end ? RB_NEXT(range_tree, &s->tree, n) : NULL;
		if (old.start < start) {
			node_resize(s, n, old.start, start);
			if (old.end > end)
				node_insert(s, (struct range){end, old.end, old.tag});
		} else if (old.end > end) {
			node_resize(s, n, end, old.end);
		} else {
			node_remove(s, n);
		}
	}
}

static int insert(struct range_set *s, struct node *first, struct range r)
{
	uint32_t need = splits(first, r.start, r.end)	    ? 2
			: covers_any(first, r.start, r.end) ? 0
							    : 1;

	if (nodes_left(s) < need)
		return -ENOSPC;
	cut(s, first, r.start, r.end);
	node_insert(s, r);
	return 0;
}

int range_set_insert(struct range_set *s, uintptr_t start, uintptr_t end, uint64_t tag)
{
	if (start >= end)
		return 0;
	return insert(s, first_node(s, start, end), (struct range){start, end, tag});
}

/* The lowest of this tag that meets [start, end) or touches it; `n` is the first of any tag. */
static struct node *first_to_join(struct node *n, struct range r)
{
	while (n && n->range.start <= r.end && n->range.tag != r.tag)
		n = RB_NEXT(range_tree, NULL, n);
	return n && n->range.start <= r.end ? n : NULL;
}

/* `kept` grows over all of its tag; of the others what lies in [start, end) is cut away. */
static void join_into(struct range_set *s, struct node *n, struct node *kept, struct range r)
{
	struct range joined = {r.start < kept->range.start ? r.start : kept->range.start,
			       r.end > kept->range.end ? r.end : kept->range.end, r.tag};
	struct node *next;

	for (; n && n->range.start <= r.end; n = next) {
		next = RB_NEXT(range_tree, &s->tree, n);
		if (n == kept)
			continue;
		if (n->range.tag == r.tag) {
			joined.end = n->range.end > joined.end ? n->range.end : joined.end;
			node_remove(s, n);
		} else if (n->range.start < r.end && n->range.end > r.start) {
			cut(s, n, r.start, r.end < n->range.end ? r.end : n->range.end);
		}
	}
	node_resize(s, kept, joined.start, joined.end);
}

int range_set_join(struct range_set *s, uintptr_t start, uintptr_t end, uint64_t tag)
{
	struct range r = {start, end, tag};

	if (start >= end)
		return 0;
	struct node *n = first_node(s, start ? start - 1 : 0, UINTPTR_MAX);
	struct node *kept = first_to_join(n, r);

	/* Where one is kept no other covers both edges, so that no node is needed. */
	if (kept)
		join_into(s, n, kept, r);
	else
		return insert(s, first_node(s, start, end), r);
	return 0;
}

int range_set_remove(struct range_set *s, uintptr_t start, uintptr_t end)
{
	if (start >= end)
		return 0;
	struct node *first = first_node(s, start, end);

	if (splits(first, start, end) && nodes_left(s) < 1)
		return -ENOSPC;
	cut(s, first, start, end);
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

uint64_t range_set_bytes(const struct range_set *s)
{
	return s->bytes;
}

void range_set_clear(struct range_set *s)
{
	*s = (struct range_set){.nodes = s->nodes, .capacity = s->capacity};
}
