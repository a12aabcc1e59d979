/*
 * Leaves the kernel one place for new mappings: below (or, in the bottom-up layout, above) all
 * that the mmap area holds. Otherwise the first small mappings of a run would land in holes
 * between libraries, merge with what is there, and be counted differently on every run.
 *
 * Where the next mapping goes is asked from the kernel, hole by hole, rather than computed.
 */
#include <errno.h>
#include <sys/mman.h>

#include "harness/kernel/accounts_priv.h"

/*
 * More than this between two mappings is no hole in the mmap area but the free space at its edge:
 * what lies beyond (the executable, the heap, reservations at an address of somebody's choice) is
 * not of the area.
 */
#define HOLE_MAX (UINT64_C(1) << 40)

#define TRIES 4096

struct hole {
	uintptr_t at; /* an address in it */
	struct span span;
	bool taken;	  /* a mapping has come to lie there since */
	bool below_stack; /* grown into by the stack */
};

static void hole_begin(void *ctx)
{
	struct hole *h = ctx;

	*h = (struct hole){.at = h->at, .span = {0, UINTPTR_MAX}};
}

static int hole_vma(void *ctx, const struct vma *found)
{
	struct hole *h = ctx;

	if (found->end <= h->at) {
		h->span.start = found->end;
		return 0;
	}
	h->taken = found->start <= h->at;
	h->span.end = found->start;
	h->below_stack = found->kind == VMA_STACK;
	return 1;
}

static int find_hole(struct accounts *acc, uintptr_t at, struct hole *ret_hole)
{
	int ret;

	*ret_hole = (struct hole){.at = at};
	ret = maps_walk(&acc->maps, &(struct maps_visitor){hole_begin, hole_vma, ret_hole});
	return ret < 0 ? ret : 0;
}

/* Where the kernel would put the next page; nothing is left there. */
static int probe(size_t page, uintptr_t *ret_at)
{
	void *p = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	munmap(p, page);
	*ret_at = (uintptr_t)p;
	return 0;
}

/*
 * Shared, because a shared mapping merges with nothing: a private plug would join reservations of
 * the allocator on its two sides into one VMA, and keep count of one where there are two. Private
 * only where the kernel charges shared memory in full (overcommit_memory 2).
 *
 * -EEXIST: another thread was faster, or a kernel before 4.17 put it elsewhere.
 */
static int place(struct accounts *acc, struct span s)
{
	int flags = MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
	size_t len = s.end - s.start;
	void *p = mmap((void *)s.start, len, PROT_NONE, MAP_SHARED | flags, -1, 0);

	if (p == MAP_FAILED && errno == ENOMEM)
		p = mmap((void *)s.start, len, PROT_NONE, MAP_PRIVATE | flags, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	int err = (uintptr_t)p == s.start ? accounts_exclude(acc, s.start, s.end) : -EEXIST;

	if (err)
		munmap(p, len);
	return err;
}

/* The stack and the break grow into the holes beside them: these are never filled. */
static bool is_edge(const struct hole *h, const struct span *heap)
{
	bool below_break = h->span.start <= heap->end && heap->end < h->span.end;

	return h->span.end - h->span.start > HOLE_MAX || h->below_stack || below_break;
}

/* *ret_done: the page at the edge stands, and what is mapped next goes beyond it. */
static int plug_one(struct accounts *acc, const struct span *heap, bool *ret_done)
{
	struct hole hole;
	uintptr_t at = 0;
	int err = probe(acc->page, &at);

	if (!err)
		err = find_hole(acc, at, &hole);
	if (err || hole.taken)
		return err;
	bool edge = is_edge(&hole, heap);

	if (edge)
		hole.span = (struct span){at, at + acc->page};
	err = place(acc, hole.span);
	*ret_done = edge && !err;
	return err == -EEXIST ? 0 : err;
}

int accounts_plug(struct accounts *acc)
{
	struct span heap;
	int err = accounts_break(acc, &heap);

	for (int i = 0; i < TRIES && !err; i++) {
		bool done = false;

		err = plug_one(acc, &heap, &done);
		if (done)
			return 0;
	}
	return err ? err : -EAGAIN;
}
