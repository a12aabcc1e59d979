#include "harness/exec/owned.h"

#include <errno.h>
#include <sys/mman.h>

#include "harness/exec/child.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

/* Whether nothing is mapped in [start, end). */
static bool owned_is_hole(uintptr_t start, uintptr_t end)
{
	void *want = (void *)start;
	void *p = mmap(want, end - start, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	if (p == MAP_FAILED)
		return false;
	munmap(p, end - start);
	return p == want;
}

/* Whether all of [start, end) is the slot's own or not mapped at all. */
bool owned_free_to_use(struct child *c, uint32_t slot, uintptr_t start, uintptr_t end)
{
	struct range r;

	while (start < end) {
		bool found = range_set_first(c->owned, start, end, &r);
		uintptr_t hole_end = found ? (r.start > start ? r.start : start) : end;

		if (hole_end > start && !owned_is_hole(start, hole_end))
			return false;
		if (!found)
			return true;
		if (r.tag != slot)
			return false;
		start = r.end;
	}
	return true;
}

void owned_taint(struct child *c, uint32_t slot)
{
	c->m[slot].plain = false;
	if (c->model)
		model_map_taint(c->model, slot);
}

/* A new range of the slot's; what it replaced of other slots is cut away. */
int owned_add(struct child *c, uint32_t slot, uintptr_t start, size_t len)
{
	int err = range_set_insert(c->owned, start, start + len, slot);

	if (err)
		c->shared->harness_error = (uint32_t)-err;
	else if (c->model)
		model_map(c->model, slot, start, len, c->m[slot].plain);
	return err;
}

int owned_remove(struct child *c, uintptr_t start, size_t len)
{
	int err = range_set_remove(c->owned, start, start + len);

	if (err)
		c->shared->harness_error = (uint32_t)-err;
	else if (c->model)
		model_unmap(c->model, start, len);
	return err;
}

/* What the slot has in its old range, as far as the new one reaches, it has in the new one. */
void owned_moved(struct child *c, uint32_t slot, uintptr_t now, size_t len)
{
	const struct map_slot *m = &c->m[slot];
	uintptr_t at = m->start, end = m->start + (len < m->len ? len : m->len);
	struct range r;

	for (; at < end && range_set_first(c->owned, at, end, &r); at = r.end) {
		uintptr_t from = r.start > m->start ? r.start : m->start;
		uintptr_t to = r.end < end ? r.end : end;

		if (r.tag == slot)
			owned_add(c, slot, now + (from - m->start), to - from);
	}
}

/*
 * Pages under MADV_DONTFORK are not in the child, and what is mapped in their place later is
 * somebody else's. msync() walks the maps and looks at no page.
 */
static void disown_absent(struct child *c, uintptr_t start, uintptr_t end)
{
	if (msync((void *)start, end - start, MS_ASYNC) == 0 || errno != ENOMEM)
		return;
	if (end - start == c->page_bytes || owned_is_hole(start, end)) {
		owned_remove(c, start, end - start);
		return;
	}
	uintptr_t middle = start + page_up(c, (end - start) / 2);

	disown_absent(c, start, middle);
	disown_absent(c, middle, end);
}

void owned_after_fork(struct child *c)
{
	struct range r;

	for (uint32_t slot = 0; slot < c->shared->config.map_slots; slot++) {
		uintptr_t at = c->m[slot].start, end = at + c->m[slot].len;

		if (!c->m[slot].has_dontfork)
			continue;
		for (; at < end && range_set_first(c->owned, at, end, &r); at = r.end)
			if (r.tag == slot)
				disown_absent(c, r.start > at ? r.start : at,
					      r.end < end ? r.end : end);
	}
}
