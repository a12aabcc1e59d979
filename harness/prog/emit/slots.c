#include "harness/prog/emit/slots.h"

#include "harness/prog/emit/shadow.h"
#include "harness/prog/emit/vmas.h"

bool is_shared_with_allocator;

/* Where nobody else maps, what lies in a hole is what the kernel should have unmapped. */
static bool is_free(uintptr_t start, uintptr_t end)
{
	uintptr_t at = start, from, to;

	if (!vmas_next_owned(&at, end, &from, &to) || from != start || to != end)
		return false;
	return !is_shared_with_allocator || vmas_free(start, end);
}

static bool is_in_span(const struct slot *s, const struct run *r)
{
	return r->start >= s->start / PAGE && r->end <= (s->start + s->len) / PAGE;
}

bool slot_reaches(unsigned slot, uintptr_t start, uintptr_t end)
{
	uint64_t page = start / PAGE, last = page_up(end) / PAGE;

	while (page < last) {
		const struct run *found = runs_first(shadow_pages(), page);
		struct run r = {.start = last, .end = last};

		if (found && found->start < last)
			r = *found;
		if (r.start > page && !is_free(page * PAGE, r.start * PAGE))
			return false;
		if (r.start == last)
			return true;
		r.start = r.start < page ? page : r.start;
		page = r.end;
		r.end = r.end > last ? last : r.end;
		if (r.slot != slot && !is_in_span(&m[slot], &r))
			return false;
	}
	return true;
}

bool place_find(const struct place *p, size_t len, uintptr_t *ret_address)
{
	const struct slot *t = &m[p->slot];

	*ret_address = 0;
	if (!p->is_given)
		return true;
	if (!t->start || p->off > t->len)
		return false;
	*ret_address = t->start + p->off;
	return !len || (len <= t->len - p->off &&
			slot_reaches(p->slot, *ret_address, *ret_address + page_up(len)));
}
