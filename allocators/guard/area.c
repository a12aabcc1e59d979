#include "allocators/guard/area.h"

#include <errno.h>

#include "allocators/guard/os.h"

static uintptr_t align_up(uintptr_t at, size_t align)
{
	return (at + align - 1) & ~(uintptr_t)(align - 1);
}

/* The first start at or above `from` that is aligned as wanted. */
static uintptr_t want_start(const struct area_want *want, uintptr_t from)
{
	return align_up(from + want->lead, want->align) - want->lead;
}

/* Unmaps what lies outside [from, end). An edge that is not taken back stays part of the area. */
static void area_trim(struct area *a, uintptr_t from, uintptr_t end)
{
	uintptr_t map_end = a->map + a->map_len;

	if (map_end > end && os_unmap(end, map_end - end) == 0)
		map_end = end;
	if (a->map < from && os_unmap(a->map, from - a->map) == 0)
		a->map = from;
	a->map_len = map_end - a->map;
	if (a->len && a->start < a->map) {
		a->len -= a->map - a->start;
		a->start = a->map;
	}
}

int area_open(struct area *a, uintptr_t start, size_t len)
{
	if (a->len) {
		if (start >= a->start && start + len <= a->start + a->len)
			return 0;
		int err = os_close(a->map, a->map_len);

		if (err)
			return err;
		a->len = 0;
	}
	int err = os_open(start, len);

	if (err)
		return err;
	a->start = start;
	a->len = len;
	return 0;
}

/* Maps enough to hold what is wanted, from *ret_start on. */
static int area_reserve(struct area *a, const struct area_want *want, uintptr_t *ret_start)
{
	size_t slack = want->align > OS_PAGE ? want->align - OS_PAGE : 0, total;

	if (__builtin_add_overflow(want->len, OS_PAGE, &total))
		return -ENOMEM;
	if (want->at && os_map(&a->map, want->at, total) == 0) {
		a->map_len = total;
		*ret_start = a->map;
		return 0;
	}
	if (__builtin_add_overflow(total, slack, &total) || os_map(&a->map, 0, total) != 0)
		return -ENOMEM;
	a->map_len = total;
	*ret_start = want_start(want, a->map);
	return 0;
}

/*
 * The edges go before anything is opened, while the mapping is one VMA: that costs no map, unless
 * it merged with a foreign PROT_NONE mapping.
 */
int area_map(struct area *ret_a, const struct area_want *want)
{
	uintptr_t start;

	*ret_a = (struct area){0};
	if (area_reserve(ret_a, want, &start) != 0)
		return -ENOMEM;
	area_trim(ret_a, start, start + want->len + OS_PAGE);
	if (area_open(ret_a, start, want->len) == 0)
		return 0;
	area_release(ret_a);
	return -ENOMEM;
}

bool area_fits(const struct area *a, const struct area_want *want, uintptr_t *ret_start)
{
	uintptr_t end = a->map + a->map_len - OS_PAGE;
	uintptr_t start = want_start(want, a->map);

	if (start < a->map || start > end || want->len > end - start)
		return false;
	*ret_start = start;
	return true;
}

int area_release(struct area *a)
{
	int err = os_unmap(a->map, a->map_len);

	if (!err)
		a->map_len = 0;
	return err;
}

bool area_is_settled(const struct area *a, uintptr_t start, size_t len)
{
	return a->map == start && a->map_len == len + OS_PAGE && a->start == start && a->len == len;
}

bool area_settle(struct area *a, uintptr_t start, size_t len)
{
	uintptr_t end = start + len, open_end = a->start + a->len;

	if (open_end > end) {
		if (os_close(end, a->map + a->map_len - end) == 0)
			a->len = end - a->start;
		else
			os_purge(end, open_end - end);
	}
	/* Without a separator nothing goes that could serve as one. */
	uintptr_t keep = a->start + a->len == end ? end + OS_PAGE : a->map + a->map_len;

	area_trim(a, start, keep);
	return area_is_settled(a, start, len);
}

int area_move(struct area *a, size_t len, struct area *ret_rest)
{
	uintptr_t to, separator = a->start + a->len;

	if (!area_is_settled(a, a->start, a->len))
		return -EINVAL;
	int err = os_move(&to, a->start, a->len, len + OS_PAGE);

	if (err)
		return err;
	*ret_rest = (struct area){.map = separator, .map_len = OS_PAGE};
	area_release(ret_rest);
	*a = (struct area){.map = to, .map_len = len + OS_PAGE, .start = to, .len = len + OS_PAGE};
	return 0;
}
