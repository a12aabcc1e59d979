#include "harness/kernel/exclusions.h"

#include <errno.h>
#include <string.h>

int exclusions_init(struct exclusions *ex, struct arena *a, uint32_t capacity)
{
	struct span *v = arena_take(a, capacity * sizeof(*v), _Alignof(struct span));

	if (!v)
		return -ENOMEM;
	*ex = (struct exclusions){.v = v, .capacity = capacity};
	return 0;
}

/* Index of the first span that ends at or behind `address`. */
static uint32_t first_ending_from(const struct exclusions *ex, uintptr_t address)
{
	uint32_t low = 0, high = ex->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (ex->v[mid].end < address)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int exclusions_add(struct exclusions *ex, uintptr_t start, uintptr_t end)
{
	if (start >= end)
		return -EINVAL;
	uint32_t first = first_ending_from(ex, start);
	uint32_t last = first; /* [first, last): the spans that the new one meets */

	while (last < ex->n && ex->v[last].start <= end)
		last++;
	if (first == last && ex->n == ex->capacity)
		return -ENOSPC;
	if (first < last) {
		if (ex->v[first].start < start)
			start = ex->v[first].start;
		if (ex->v[last - 1].end > end)
			end = ex->v[last - 1].end;
	}
	memmove(&ex->v[first + 1], &ex->v[last], (ex->n - last) * sizeof(*ex->v));
	ex->v[first] = (struct span){start, end};
	ex->n = ex->n - (last - first) + 1;
	return 0;
}

int exclusions_remove(struct exclusions *ex, uintptr_t start, uintptr_t end)
{
	struct span rest[2]; /* what is left of the first span met, and of the last */
	uint32_t nrest = 0;

	if (start >= end)
		return -EINVAL;
	uint32_t first = first_ending_from(ex, start + 1);
	uint32_t last = first; /* [first, last): the spans that share an address with it */

	while (last < ex->n && ex->v[last].start < end)
		last++;
	if (first == last)
		return 0;
	if (ex->v[first].start < start)
		rest[nrest++] = (struct span){ex->v[first].start, start};
	if (ex->v[last - 1].end > end)
		rest[nrest++] = (struct span){end, ex->v[last - 1].end};
	if (ex->n - (last - first) + nrest > ex->capacity)
		return -ENOSPC;
	memmove(&ex->v[first + nrest], &ex->v[last], (ex->n - last) * sizeof(*ex->v));
	memcpy(&ex->v[first], rest, nrest * sizeof(*rest));
	ex->n = ex->n - (last - first) + nrest;
	return 0;
}

struct exclusions_cursor exclusions_at(const struct exclusions *ex, uintptr_t address)
{
	return (struct exclusions_cursor){.ex = ex, .at = first_ending_from(ex, address)};
}

bool exclusions_next_owned(struct exclusions_cursor *c, struct span *range, struct span *ret_part)
{
	const struct exclusions *ex = c->ex;

	for (; c->at < ex->n && ex->v[c->at].start <= range->start; c->at++) {
		if (ex->v[c->at].end <= range->start)
			continue;
		if (ex->v[c->at].end >= range->end) {
			range->start = range->end;
			return false; /* and stay: this span may reach into the next range too */
		}
		range->start = ex->v[c->at].end;
	}
	if (range->start >= range->end)
		return false;
	*ret_part = *range;
	if (c->at < ex->n && ex->v[c->at].start < range->end)
		ret_part->end = ex->v[c->at].start;
	range->start = ret_part->end;
	return true;
}
