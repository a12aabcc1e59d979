/* What a mapping call has changed, by its arguments and its result. */
#include <errno.h>
#include <linux/mman.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "harness/oracle/pages_internal.h"

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08 /* Linux 6.11 */
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000 /* Linux 4.17 */
#endif

/* A page of hugetlbfs: its mappings are as long as whole ones. */
#define HUGETLB_DEFAULT_BYTES (UINT64_C(2) << 20)

bool range_of_call(const struct pages *p, uint64_t address, uint64_t len,
		   struct page_range *ret_range)
{
	uint64_t page = p->options.page_bytes;

	if (address % page || len == 0 || len > UINT64_MAX - address - page)
		return false;
	*ret_range = (struct page_range){address / page, (address + len + page - 1) / page};
	return true;
}

static uint32_t flags_of_prot(uint64_t prot)
{
	return (prot & PROT_READ ? REGION_READ : 0) | (prot & PROT_WRITE ? REGION_WRITE : 0) |
	       (prot & PROT_EXEC ? REGION_EXEC : 0);
}

static uint32_t flags_of_mmap(const struct pages *p, const struct kernel_call *k, bool shared)
{
	uint64_t flags = k->arg[3];
	uint32_t r = flags_of_prot(k->arg[2]) | (shared ? REGION_SHARED : 0) |
		     (flags & MAP_ANONYMOUS ? 0 : REGION_FILE) |
		     (flags & MAP_LOCKED ? REGION_LOCKED : 0);

	if (p->options.thp_always && !shared)
		r |= REGION_HUGE;
	if (flags & MAP_GROWSDOWN)
		r |= REGION_GROWS;
	if ((flags & (MAP_GROWSDOWN | MAP_HUGETLB)) || (flags & MAP_TYPE) == MAP_DROPPABLE)
		r |= REGION_UNSURE;
	return r;
}

/* What may have been unmapped before it failed: of other reasons the arguments tell. */
static void mmap_failed(struct pages *p, const struct kernel_call *k)
{
	struct page_range r;
	bool replaces = (k->arg[3] & MAP_FIXED) && !(k->arg[3] & MAP_FIXED_NOREPLACE);
	bool by_argument = k->err == EINVAL || k->err == EBADF || k->err == EACCES ||
			   k->err == EEXIST || k->err == EOVERFLOW || k->err == EOPNOTSUPP;

	if (replaces && !by_argument && range_of_call(p, k->arg[0], k->arg[1], &r))
		range_unsure(p, r.start, r.end, false);
}

static uint64_t huge_bytes(uint64_t flags)
{
	unsigned bits = flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;

	return bits ? UINT64_C(1) << bits : HUGETLB_DEFAULT_BYTES;
}

static void map_region(struct pages *p, const struct pages_call *c, struct page_range r)
{
	const struct kernel_call *k = c->call;
	uint64_t page = p->options.page_bytes, type = k->arg[3] & MAP_TYPE;
	bool shared = type == MAP_SHARED || type == MAP_SHARED_VALIDATE;
	struct region region = {.flags = flags_of_mmap(p, k, shared)};

	if (!c->anonymous)
		region.object = c->object;
	else if (shared)
		region.object = object_new(p, (r.end - r.start) * page, false);
	if (!object_of(p, region.object)) {
		region.object = 0;
		region.flags |= shared || !c->anonymous ? REGION_UNSURE : 0;
	}
	/* Of a shared /dev/zero the object is as long as the mapping, and the offset stays. */
	if (region.object)
		region.delta = r.start - (k->arg[3] & MAP_ANONYMOUS ? 0 : k->arg[5] / page);
	if (region.object && !c->anonymous)
		region.flags &= ~(uint32_t)REGION_HUGE;
	region_put(p, r.start, r.end, &region);
	if (region.flags & REGION_UNSURE)
		range_unsure(p, r.start, r.end, false);
}

static void follow_mmap(struct pages *p, const struct pages_call *c)
{
	const struct kernel_call *k = c->call;
	uint64_t flags = k->arg[3], len = k->arg[1];
	struct page_range r;

	if (k->err) {
		mmap_failed(p, k);
		return;
	}
	if (flags & MAP_HUGETLB)
		len = block_end(len, huge_bytes(flags));
	if (!range_of_call(p, (uint64_t)k->result, len, &r))
		return;
	map_region(p, c, r);
	if ((flags & MAP_LOCKED) || (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE)
		populate_locked(p, r, true);
	/* With it, neighbours of the same kind may have become a block of a huge page. */
	if (p->options.thp_always)
		huge_spread(p, r.start, r.end);
}

static void follow_munmap(struct pages *p, const struct kernel_call *k)
{
	uint64_t len = k->arg[1], page = p->options.page_bytes;
	struct page_range r;

	if (p->options.wrong == PAGES_UNMAP_ROUNDS_UP)
		len -= len % page;
	if (k->err == 0 && range_of_call(p, k->arg[0], len, &r)) {
		region_cut(p, r.start, r.end);
		huge_spread(p, r.start, r.end);
	}
}

/*
 * `surely` false: it may have been done. Private pages that are locked get their copies when they
 * may be written for the first time.
 */
static void protect(struct pages *p, struct page_range r, uint32_t prot, bool surely)
{
	const uint32_t locked = REGION_LOCKED | REGION_MAY_BE_LOCKED;
	struct region region;
	struct run run;

	for (uint64_t at = r.start; region_find(p, at, r.end, &run, &region); at = run.end) {
		struct page_range part = {run.start, run.end};
		bool unsure = region.flags & REGION_PROT_UNSURE;
		bool copies = (prot & REGION_WRITE) && (region.flags & locked) &&
			      !(region.flags & REGION_SHARED) &&
			      (unsure || !(region.flags & REGION_WRITE));

		if (surely)
			region_flags(p, part, REGION_PROT | REGION_PROT_UNSURE, prot);
		else
			region_flags(p, part, 0, REGION_PROT_UNSURE);
		if (copies && surely && !unsure)
			populate_locked(p, part, true);
		else if (copies)
			populate(p, part, true, false);
	}
}

/* Up to a hole it was done. */
static void mprotect_failed(struct pages *p, const struct pages_call *c, struct page_range r,
			    uint32_t prot)
{
	struct holes h = holes_of(p, r);
	bool at_hole = c->call->err == ENOMEM && h.any && !c->at_limit;
	uint64_t reached = at_hole ? h.maybe : r.start;

	if (c->call->err == EINVAL)
		return;
	if (p->options.wrong != PAGES_PROTECT_STOPS_AT_HOLE)
		protect(p, (struct page_range){r.start, reached}, prot, true);
	protect(p, (struct page_range){reached, h.sure}, prot, false);
}

static void follow_mprotect(struct pages *p, const struct pages_call *c)
{
	const struct kernel_call *k = c->call;
	struct page_range r;

	if (!range_of_call(p, k->arg[0], k->arg[1], &r))
		return;
	if (k->arg[2] & (PROT_GROWSDOWN | PROT_GROWSUP)) {
		range_unsure(p, r.start, r.end, false);
		return;
	}
	if (k->err)
		mprotect_failed(p, c, r, flags_of_prot(k->arg[2]));
	else
		protect(p, r, flags_of_prot(k->arg[2]), true);
}

/*
 * Refused: up to a hole the pages are locked, but not populated. Without a hole it was the limit,
 * or a page that could not be populated.
 */
static void mlock_failed(struct pages *p, const struct pages_call *c, struct page_range r)
{
	struct page_range reached = {r.start, holes_of(p, r).sure};

	if (c->call->err == EPERM || c->call->err == EINVAL)
		return;
	region_flags(p, reached, 0, REGION_MAY_BE_LOCKED);
	populate_locked(p, reached, false);
}

static void follow_mlock(struct pages *p, const struct pages_call *c)
{
	const struct kernel_call *k = c->call;
	uint64_t over = k->arg[0] % p->options.page_bytes;
	struct page_range r;

	if (!range_of_call(p, k->arg[0] - over, k->arg[1] + over, &r))
		return;
	if (k->err) {
		mlock_failed(p, c, r);
	} else if (k->nr == SYS_mlock) {
		region_flags(p, r, REGION_MAY_BE_LOCKED, REGION_LOCKED);
		populate_locked(p, r, true);
	} else {
		/* mlock2 may leave it to later accesses to populate. */
		region_flags(p, r, REGION_LOCKED, REGION_MAY_BE_LOCKED);
		populate_locked(p, r, false);
	}
}

/* What was locked may still be so, or not. */
static void may_unlock(struct pages *p, struct page_range r)
{
	struct region region;
	struct run run;

	for (uint64_t at = r.start; region_find(p, at, r.end, &run, &region); at = run.end)
		if (region.flags & REGION_LOCKED)
			region_flags(p, (struct page_range){run.start, run.end}, REGION_LOCKED,
				     REGION_MAY_BE_LOCKED);
}

static void follow_munlock(struct pages *p, const struct pages_call *c)
{
	const uint32_t locked = REGION_LOCKED | REGION_MAY_BE_LOCKED;
	const struct kernel_call *k = c->call;
	uint64_t over = k->arg[0] % p->options.page_bytes;
	struct page_range r;

	if (!range_of_call(p, k->arg[0] - over, k->arg[1] + over, &r))
		return;
	struct holes h = holes_of(p, r);
	bool at_hole = k->err == ENOMEM && h.any && !c->at_limit;
	uint64_t reached = k->err == 0 ? r.end : at_hole ? h.maybe : r.start;

	if (k->err == EINVAL)
		return;
	may_unlock(p, (struct page_range){reached, k->err ? h.sure : r.end});
	region_flags(p, (struct page_range){r.start, reached}, locked, 0);
}

void pages_follow(struct pages *p, const struct pages_call *c)
{
	if (c->call->injected)
		return;
	pages_sync(p);
	/* What is written from here on differs from what was written before the call. */
	p->stamp = 0;
	switch (c->call->nr) {
	case SYS_mmap:
		follow_mmap(p, c);
		break;
	case SYS_munmap:
		follow_munmap(p, c->call);
		break;
	case SYS_mremap:
		follow_mremap(p, c);
		break;
	case SYS_mprotect:
		follow_mprotect(p, c);
		break;
	case SYS_madvise:
		follow_madvise(p, c);
		break;
	case SYS_mlock:
	case SYS_mlock2:
		follow_mlock(p, c);
		break;
	case SYS_munlock:
		follow_munlock(p, c);
		break;
	}
	objects_settle(p);
}
