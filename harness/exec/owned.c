#include "harness/exec/owned.h"

#include <errno.h>
#include <sys/mman.h>

#include "harness/exec/child.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

bool owned_first(const struct child *c, uintptr_t start, uintptr_t end, struct range *ret_range)
{
	return range_set_first(ledger_program(c->ledger), start, end, ret_range);
}

/* Where the kernel cannot be asked: whether something can be mapped there. */
static bool can_be_mapped(uintptr_t start, uintptr_t end)
{
	void *want = (void *)start;
	void *p = mmap(want, end - start, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	if (p == MAP_FAILED)
		return false;
	munmap(p, end - start);
	return p == want;
}

bool owned_is_hole(const struct child *c, uintptr_t start, uintptr_t end)
{
	struct accounts_mapped mapped = {.end = start};
	int err;

	do
		err = accounts_mapped(c->accounts, mapped.end, end, &mapped);
	while (!err && c->kernel && !mapped.excluded && mapped.end < end);
	if (err == -ENOTSUP)
		return can_be_mapped(start, end);
	return err == -ENOENT || (!err && c->kernel && !mapped.excluded);
}

static bool in_span(const struct map_slot *m, uintptr_t at)
{
	return at >= m->start && at - m->start < m->len;
}

bool owned_reaches(const struct child *c, uint32_t slot, uintptr_t start, uintptr_t end)
{
	const struct map_slot *m = &c->m[slot];
	struct range r;

	while (start < end) {
		bool found = owned_first(c, start, end, &r);
		uintptr_t hole_end = found ? (r.start > start ? r.start : start) : end;

		if (hole_end > start && !owned_is_hole(c, start, hole_end))
			return false;
		if (!found)
			return true;
		uintptr_t last = (r.end < end ? r.end : end) - 1;

		if (r.tag != slot && !(in_span(m, hole_end) && in_span(m, last)))
			return false;
		start = r.end;
	}
	return true;
}
