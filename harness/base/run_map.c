#include "harness/base/run_map.h"

#include <bsd/sys/tree.h>
#include <errno.h>
#include <string.h>

struct run_node {
	RB_ENTRY(run_node) link; /* link.rbe_left chains the free ones */
	struct run run;
	unsigned char value[];
};

RB_HEAD(run_tree, run_node);

/* A put splits one run and adds one. */
#define NODES_OF_A_PUT 2

struct run_map {
	struct run_tree tree;
	struct run_map_options options;
	unsigned char *nodes, *forgotten;
	struct run_node *freed;
	uint32_t count, fresh; /* nodes from `fresh` on were never used */
	uint64_t forgot;
};

static int node_cmp(const struct run_node *a, const struct run_node *b)
{
	if (a->run.space != b->run.space)
		return a->run.space < b->run.space ? -1 : 1;
	return a->run.start < b->run.start ? -1 : a->run.start > b->run.start;
}

/* RB_GENERATE_STATIC needs a macro __unused that only the BSDs define. */
RB_GENERATE_INTERNAL(run_tree, run_node, link, node_cmp, __attribute__((unused)) static)

static size_t node_bytes(uint32_t value_bytes)
{
	size_t align = _Alignof(struct run_node);

	return (sizeof(struct run_node) + value_bytes + align - 1) & ~(align - 1);
}

size_t run_map_arena_bytes(uint32_t capacity, uint32_t value_bytes)
{
	return sizeof(struct run_map) + (size_t)capacity * node_bytes(value_bytes) + value_bytes +
	       3 * _Alignof(max_align_t);
}

int run_map_new(struct arena *a, const struct run_map_options *o, struct run_map **ret_map)
{
	size_t align = _Alignof(max_align_t);
	struct run_map *m = arena_take(a, sizeof(*m), align);
	void *forgotten = arena_take(a, o->value_bytes, align);
	void *nodes = arena_take_raw(a, o->capacity * node_bytes(o->value_bytes), align);

	if (!m || !forgotten || !nodes)
		return -ENOMEM;
	*m = (struct run_map){.options = *o, .nodes = nodes, .forgotten = forgotten};
	memcpy(m->forgotten, o->forgotten, o->value_bytes);
	*ret_map = m;
	return 0;
}

static bool same_value(const struct run_map *m, const struct run_node *n, const void *value)
{
	return memcmp(n->value, value, m->options.value_bytes) == 0;
}

static void tell(const struct run_map *m, const struct run_node *n, int sign)
{
	if (m->options.changed)
		m->options.changed(m->options.context, n->value,
				   sign * (int64_t)(n->run.end - n->run.start));
}

/* There is a node left: the caller has seen to it. */
static void node_add(struct run_map *m, const struct run *r, const void *value)
{
	struct run_node *n = m->freed;

	if (n)
		m->freed = RB_LEFT(n, link);
	else
		n = (struct run_node *)(m->nodes + m->fresh++ * node_bytes(m->options.value_bytes));
	n->run = *r;
	memcpy(n->value, value, m->options.value_bytes);
	RB_INSERT(run_tree, &m->tree, n);
	m->count++;
	tell(m, n, 1);
}

static void node_remove(struct run_map *m, struct run_node *n)
{
	tell(m, n, -1);
	RB_REMOVE(run_tree, &m->tree, n);
	RB_LEFT(n, link) = m->freed;
	m->freed = n;
	m->count--;
}

/* The new bounds must leave its place in the order as it is. */
static void node_resize(struct run_map *m, struct run_node *n, uint64_t start, uint64_t end)
{
	tell(m, n, -1);
	n->run.start = start;
	n->run.end = end;
	tell(m, n, 1);
}

/* The first node of any space behind (space, at). */
static struct run_node *node_behind(const struct run_map *m, uint64_t space, uint64_t at)
{
	struct run_node *n = RB_ROOT(&m->tree), *found = NULL;

	while (n) {
		if (n->run.space > space || (n->run.space == space && n->run.end > at)) {
			found = n;
			n = RB_LEFT(n, link);
		} else {
			n = RB_RIGHT(n, link);
		}
	}
	return found;
}

static struct run_node *first_node(const struct run_map *m, uint64_t space, uint64_t at)
{
	struct run_node *n = node_behind(m, space, at);

	return n && n->run.space == space ? n : NULL;
}

bool run_map_find(const struct run_map *m, uint64_t space, uint64_t at, struct run *ret_run,
		  void *ret_value)
{
	const struct run_node *n = first_node(m, space, at);

	if (!n)
		return false;
	*ret_run = n->run;
	memcpy(ret_value, n->value, m->options.value_bytes);
	return true;
}

static bool are_neighbours(const struct run_node *a, const struct run_node *b)
{
	return a && b && a->run.space == b->run.space;
}

/* The first of two neighbours near the place, or anywhere when there are none. */
static struct run_node *nearest_pair(struct run_map *m, uint64_t space, uint64_t at)
{
	struct run_node *n = node_behind(m, space, at);

	if (!n)
		n = RB_MAX(run_tree, &m->tree);
	struct run_node *before = n ? RB_PREV(run_tree, &m->tree, n) : NULL;

	if (are_neighbours(before, n))
		return before;
	for (int wrapped = 0; wrapped < 2; wrapped++, n = RB_MIN(run_tree, &m->tree))
		for (; n; n = RB_NEXT(run_tree, &m->tree, n))
			if (are_neighbours(n, RB_NEXT(run_tree, &m->tree, n)))
				return n;
	return NULL;
}

static void forget_pair(struct run_map *m, struct run_node *n)
{
	struct run_node *next = RB_NEXT(run_tree, &m->tree, n);
	uint64_t end = next->run.end;

	if (m->options.forgets) {
		m->options.forgets(m->options.context, &n->run, n->value);
		m->options.forgets(m->options.context, &next->run, next->value);
	}
	node_remove(m, next);
	tell(m, n, -1);
	memcpy(n->value, m->forgotten, m->options.value_bytes);
	n->run.end = end;
	tell(m, n, 1);
	m->forgot++;
}

static int make_room(struct run_map *m, const struct run *r, uint32_t nodes)
{
	while (m->options.capacity - m->count < nodes) {
		struct run_node *pair = nearest_pair(m, r->space, r->start);

		if (!pair)
			return -ENOSPC;
		forget_pair(m, pair);
	}
	return 0;
}

/* Needs one node where the run lies in the middle of another. */
static void cut(struct run_map *m, const struct run *r)
{
	struct run_node *n = first_node(m, r->space, r->start), *next;

	for (; n && n->run.space == r->space && n->run.start < r->end; n = next) {
		struct run old = n->run;

		next = old.end < r->end ? RB_NEXT(run_tree, &m->tree, n) : NULL;
		if (old.start < r->start) {
			node_resize(m, n, old.start, r->start);
			if (old.end > r->end) {
				struct run tail = {r->space, r->end, old.end};

				node_add(m, &tail, n->value);
			}
		} else if (old.end > r->end) {
			node_resize(m, n, r->end, old.end);
		} else {
			node_remove(m, n);
		}
	}
}

/* The place is empty. */
static void add_joined(struct run_map *m, const struct run *r, const void *value)
{
	struct run_node *after = node_behind(m, r->space, r->start);
	struct run_node *before =
		after ? RB_PREV(run_tree, &m->tree, after) : RB_MAX(run_tree, &m->tree);
	bool left = before && before->run.space == r->space && before->run.end == r->start &&
		    same_value(m, before, value);
	bool right = after && after->run.space == r->space && after->run.start == r->end &&
		     same_value(m, after, value);

	if (left && right) {
		uint64_t end = after->run.end;

		node_remove(m, after);
		node_resize(m, before, before->run.start, end);
	} else if (left) {
		node_resize(m, before, before->run.start, r->end);
	} else if (right) {
		node_resize(m, after, r->start, after->run.end);
	} else {
		node_add(m, r, value);
	}
}

int run_map_put(struct run_map *m, const struct run *r, const void *value)
{
	if (r->start >= r->end)
		return 0;
	struct run_node *n = first_node(m, r->space, r->start);

	/* Nothing to do, as is often so. */
	if (n && n->run.start <= r->start && n->run.end >= r->end && same_value(m, n, value))
		return 0;
	if (make_room(m, r, NODES_OF_A_PUT) != 0)
		return -ENOSPC;
	cut(m, r);
	add_joined(m, r, value);
	return 0;
}

int run_map_cut(struct run_map *m, const struct run *r)
{
	if (r->start >= r->end)
		return 0;
	const struct run_node *n = first_node(m, r->space, r->start);

	if (!n || n->run.start >= r->end)
		return 0;
	if (n->run.start < r->start && n->run.end > r->end && make_room(m, r, 1) != 0)
		return -ENOSPC;
	cut(m, r);
	return 0;
}

uint64_t run_map_forgotten(const struct run_map *m)
{
	return m->forgot;
}

void run_map_clear(struct run_map *m)
{
	RB_INIT(&m->tree);
	m->freed = NULL;
	m->count = 0;
	m->fresh = 0;
}
