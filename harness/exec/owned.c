#include "harness/exec/owned.h"

#include <sys/mman.h>

#include "harness/exec/child.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

bool owned_first(const struct child *c, uintptr_t start, uintptr_t end, struct range *ret_range)
{
	return range_set_first(ledger_program(c->ledger), start, end, ret_range);
}

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
		bool found = owned_first(c, start, end, &r);
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

void owned_add(struct child *c, uint32_t slot, uintptr_t start, size_t len)
{
	if (c->model)
		model_map(c->model, slot, start, len, c->m[slot].plain);
}

void owned_remove(struct child *c, uintptr_t start, size_t len)
{
	if (c->model)
		model_unmap(c->model, start, len);
}
