/*
 * press.c - asks the allocator for more and more, until it hands out what is outstanding.
 *
 * An allocator may keep what it could not give back for blocks of other sizes, or for the day when
 * its small ones need more room, and the program's calls alone may not come to that. When it takes
 * memory from the kernel instead, it has no use for what it kept.
 */
#include "harness/exec/child.h"

#define HELD	     16384
#define HEADER_BYTES 64		  /* so much smaller, a block and its header fit into a piece */
#define MOST_BYTES   (1ull << 30) /* larger pieces are not asked for */
#define STAYED	     64		  /* pieces that were asked for in vain: enough */
#define TAKES	     4		  /* calls to the kernel for memory: enough of one size */

static const uint64_t small[] = {60000, 6000, 1000, 60};

struct press {
	struct child *c;
	unsigned n;
	bool full; /* the allocator has no more */
};

static void *held[HELD];

static uint64_t calls_for_memory(const struct child *c)
{
	const struct run_counts *n = c->counts;

	return n->call[KCALL_MMAP].made + n->call[KCALL_MREMAP].made + n->call[KCALL_BRK].made +
	       n->call[KCALL_MPROTECT].made;
}

static void hold(struct press *p, uint64_t bytes)
{
	struct child *c = p->c;

	child_beat(c);
	allocator_enter(c);
	void *block = c->alloc->malloc(bytes);

	allocator_leave(c);
	p->full = !block || p->n + 1 == HELD;
	if (!block)
		return;
	lost_handed_out(c->lost, (uintptr_t)block, bytes);
	held[p->n++] = block;
}

/* Whether something in the range is not handed out yet. */
static bool is_outstanding(const struct press *p, const struct lost_range *r)
{
	struct lost_range next;

	return lost_next(p->c->lost, r->start, &next) && next.start < r->end;
}

static void ask(struct press *p, const struct lost_range *r, uint64_t bytes)
{
	uint64_t calls = calls_for_memory(p->c);

	while (!p->full && is_outstanding(p, r) && calls_for_memory(p->c) < calls + TAKES)
		hold(p, bytes);
}

static void ask_for_pieces(struct press *p)
{
	struct lost_range r;
	unsigned stayed = 0;

	for (uintptr_t at = 0; stayed < STAYED && lost_next(p->c->lost, at, &r); at = r.end) {
		uint64_t bytes = r.end - r.start;

		if (bytes <= MOST_BYTES) {
			ask(p, &r, bytes - HEADER_BYTES);
			ask(p, &r, bytes / 2 - HEADER_BYTES);
		}
		stayed += is_outstanding(p, &r);
	}
}

static void ask_for_small(struct press *p)
{
	const struct lost_range all = {.start = 0, .end = UINTPTR_MAX};

	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++)
		ask(p, &all, small[i]);
}

static void give_back(struct press *p)
{
	struct child *c = p->c;

	c->pos->op_code = OP_FREE;
	for (unsigned i = 0; i < p->n; i++) {
		child_beat(c);
		allocator_enter(c);
		c->alloc->free(held[i]);
		allocator_leave(c);
	}
}

void aftermath_press(struct child *c)
{
	struct press p = {.c = c};

	if (!c->alloc->malloc || !c->alloc->free || !lost_any(c->lost))
		return;
	c->pos->op_code = OP_MALLOC;
	c->pos->has_slot = 0;
	ask_for_pieces(&p);
	ask_for_small(&p);
	give_back(&p);
}
