#include "harness/oracle/extents.h"

#include <errno.h>
#include <stdbool.h>

size_t extent_pool_arena_bytes(uint32_t capacity)
{
	return ((size_t)capacity + 1) * sizeof(struct extent) + _Alignof(struct extent);
}

int extent_pool_init(struct extent_pool *p, struct arena *a, uint32_t capacity)
{
	struct extent *v =
		arena_take_raw(a, ((size_t)capacity + 1) * sizeof(*v), _Alignof(struct extent));

	if (!v)
		return -ENOMEM;
	*p = (struct extent_pool){.v = v, .capacity = capacity, .fresh = 1};
	return 0;
}

static uint32_t pool_take(struct extent_pool *p)
{
	uint32_t i = p->freed;

	if (i)
		p->freed = p->v[i].next;
	else if (p->fresh <= p->capacity)
		i = p->fresh++;
	return i;
}

/* Unlinks what *link points to. */
static void pool_give(struct extent_pool *p, uint32_t *link)
{
	uint32_t i = *link;

	*link = p->v[i].next;
	p->v[i].next = p->freed;
	p->freed = i;
}

/* The offset at which an extent that continues `e` would begin. */
static uint64_t continues_at(const struct extent *e)
{
	return e->step ? e->off + extent_words(e) * e->step : e->off + e->len;
}

static bool meet(const struct extent *a, const struct extent *b)
{
	if (a->step != b->step || (a->step && (a->off - b->off) % a->step))
		return false;
	return a->off <= continues_at(b) && b->off <= continues_at(a);
}

static struct extent joined(const struct extent *a, const struct extent *b)
{
	uint64_t a_end = a->off + a->len, b_end = b->off + b->len;
	uint64_t off = a->off < b->off ? a->off : b->off;

	return (struct extent){
		.off = off, .len = (a_end > b_end ? a_end : b_end) - off, .step = a->step};
}

void extents_add(struct extent_pool *p, uint32_t *head, struct extent e)
{
	uint32_t *link = head, others = 0;

	if (e.len == 0)
		return;
	/* Those in the list do not meet each other, so one pass finds all that meet the sum. */
	while (*link) {
		struct extent *other = &p->v[*link];

		if (meet(other, &e)) {
			e = joined(other, &e);
			pool_give(p, link);
		} else {
			link = &other->next;
			others++;
		}
	}
	uint32_t i = others < EXTENTS_PER_BLOCK ? pool_take(p) : 0;

	if (!i) {
		p->forgotten++;
		return;
	}
	p->v[i] = e;
	p->v[i].next = *head;
	*head = i;
}

void extents_cut(struct extent_pool *p, uint32_t *head, uint64_t limit)
{
	uint32_t *link = head;

	while (*link) {
		struct extent *e = &p->v[*link];

		if (e->off >= limit || (e->step && limit - e->off < 8)) {
			pool_give(p, link);
			continue;
		}
		uint64_t room = limit - e->off;

		if (e->len > room)
			e->len = e->step ? (room - 8) / e->step * e->step + 8 : room;
		link = &e->next;
	}
}

void extents_drop(struct extent_pool *p, uint32_t *head)
{
	while (*head)
		pool_give(p, head);
}
