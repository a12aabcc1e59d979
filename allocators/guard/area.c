#include "allocators/guard/area.h"

#include <errno.h>

#include "allocators/guard/os.h"

static uintptr_t align_up(uintptr_t at, size_t align)
{
	return (at + align - 1) & ~(uintptr_t)(align - 1);
}

/*
 * Before anything is opened the mapping is one VMA, so trimming costs no map. An edge that is not
 * taken back (it had merged with a foreign PROT_NONE mapping at the limit) stays part of the area.
 */
static void area_trim(struct area *a)
{
	size_t head = a->start - a->map;
	uintptr_t end = a->start + a->len + OS_PAGE;
	size_t tail = a->map + a->map_len - end;

	if (head && os_unmap(a->map, head) == 0) {
		a->map = a->start;
		a->map_len -= head;
	}
	if (tail && os_unmap(end, tail) == 0)
		a->map_len -= tail;
}

int area_open(struct area *a, uintptr_t start, size_t len)
{
	int err = os_open(start, len);

	if (err)
		return err;
	a->start = start;
	a->len = len;
	a->open = true;
	return 0;
}

static int area_reserve(struct area *a, const struct area_want *want)
{
	size_t slack = want->align > OS_PAGE ? want->align - OS_PAGE : 0, total;

	if (__builtin_add_overflow(want->len, OS_PAGE, &total))
		return -ENOMEM;
	if (want->at && os_map(&a->map, want->at, total) == 0) {
		a->map_len = total;
		a->start = a->map;
		return 0;
	}
	if (__builtin_add_overflow(total, slack, &total) || os_map(&a->map, 0, total) != 0)
		return -ENOMEM;
	a->map_len = total;
	a->start = align_up(a->map, want->align);
	return 0;
}

int area_map(struct area *ret_a, const struct area_want *want)
{
	*ret_a = (struct area){.len = want->len};
	if (area_reserve(ret_a, want) != 0)
		return -ENOMEM;
	area_trim(ret_a);
	if (area_open(ret_a, ret_a->start, want->len) == 0)
		return 0;
	area_release(ret_a);
	return -ENOMEM;
}

bool area_fits(const struct area *a, const struct area_want *want, uintptr_t *ret_start)
{
	uintptr_t from = a->open ? a->start : a->map;
	uintptr_t end = a->open ? a->start + a->len : a->map + a->map_len - OS_PAGE;
	uintptr_t start = align_up(from, want->align);

	if (start < from || start > end || want->len > end - start)
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

/*
 * The tail goes before the new separator is drawn: from two VMAs to one and back to two. The other
 * way round would need a third for a moment, which the limit may refuse.
 */
int area_shrink(struct area *a, size_t len)
{
	uintptr_t separator = a->start + len;
	int err = os_unmap(separator + OS_PAGE, a->map + a->map_len - separator - OS_PAGE);

	if (err)
		return err;
	a->map_len = separator + OS_PAGE - a->map;
	a->len = len;
	os_purge(separator, OS_PAGE);
	os_close(separator, OS_PAGE);
	return 0;
}

int area_move(struct area *a, size_t len, struct area *ret_rest)
{
	uintptr_t to;

	if (a->map != a->start || a->map_len != a->len + OS_PAGE)
		return -EINVAL;
	int err = os_move(&to, a->start, a->len, len + OS_PAGE);

	if (err)
		return err;
	*ret_rest = (struct area){.map = a->start + a->len, .map_len = OS_PAGE};
	area_release(ret_rest);
	os_close(to + len, OS_PAGE);
	*a = (struct area){
		.map = to, .map_len = len + OS_PAGE, .start = to, .len = len, .open = true};
	return 0;
}
