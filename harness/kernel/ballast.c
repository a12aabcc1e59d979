/*
 * The pages of the region, raised by an odd count: page 0 is another protection than page 1, which
 * is one VMA more; pages 2, 4, 6 ... each stand between two of the old one, which is two more. By
 * an even count page 0 stays as it is. No two pages that were changed meet, so the count holds.
 */
#include "harness/kernel/ballast.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

/* Page 0, and the one behind the last that is changed. */
#define SPARE_PAGES 2

static uintptr_t page_bytes(void)
{
	return (uintptr_t)sysconf(_SC_PAGESIZE);
}

static int change(uintptr_t start, size_t len, int prot)
{
	return mprotect((void *)start, len, prot) != 0 ? -errno : 0;
}

/*
 * Private memory that nobody can write is not charged, also where overcommit is strict. DONTFORK
 * comes before the first split: it would have to be repeated on every VMA later. With that flag the
 * region merges with no neighbour.
 */
static int map_region(size_t len, uintptr_t *ret_start)
{
	void *p = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	if (madvise(p, len, MADV_DONTFORK) != 0) {
		int err = errno;

		munmap(p, len);
		return -err;
	}
	*ret_start = (uintptr_t)p;
	return 0;
}

int ballast_reserve(struct ballast *b, struct accounts *acc, int64_t limit)
{
	uintptr_t start = 0;

	*b = (struct ballast){0};
	if (limit <= 0)
		return -EINVAL;
	if (limit > BALLAST_MAX)
		return -E2BIG;
	size_t len = ((size_t)limit + SPARE_PAGES) * page_bytes();
	int err = map_region(len, &start);

	if (err)
		return err;
	err = accounts_exclude(acc, start, start + len);
	if (err) {
		munmap((void *)start, len);
		return err;
	}
	*b = (struct ballast){.start = start, .len = len};
	return 0;
}

/* Of a page of the reservation that makes VMAs: beside pages of the other protection. */
static int set_filler(const struct ballast *b, uint64_t page, bool fills)
{
	uintptr_t bytes = page_bytes();

	return change(b->start + page * bytes, bytes, fills ? PROT_READ : PROT_NONE);
}

/* Page 0 with its neighbour, and all behind the fillers that stay as they are. */
static struct ballast_change changed_between(const struct ballast *b, uint64_t count)
{
	struct ballast_change changed = {0};
	uint64_t low = (b->count < count ? b->count : count) / 2;
	uintptr_t page = page_bytes();

	if (b->count % 2 != count % 2) {
		changed.part[0].start = b->start;
		changed.part[0].end = b->start + 2 * page;
	}
	if (b->count / 2 != count / 2) {
		changed.part[1].start = b->start + (2 * low + 1) * page;
		changed.part[1].end = b->start + b->len;
	}
	return changed;
}

/* From as many VMAs beyond the one of the reservation as there are to `count`; or to none. */
static int refill(struct ballast *b, uint64_t count, struct ballast_change *ret_changed)
{
	uint64_t old = b->count / 2, new = count / 2;
	int err = b->count % 2 != count % 2 ? set_filler(b, 0, count % 2) : 0;

	for (uint64_t i = old + 1; i <= new && !err; i++)
		err = set_filler(b, 2 * i, true);
	for (uint64_t i = old; i > new && !err; i--)
		err = set_filler(b, 2 * i, false);
	*ret_changed = changed_between(b, count);
	b->count = count;
	if (err)
		ballast_drop(b);
	return err;
}

int ballast_adjust(struct ballast *b, int64_t total_maps, struct ballast_limit limit,
		   struct ballast_change *ret_changed)
{
	int64_t others = total_maps - (int64_t)b->count;

	if (limit.maps < others || limit.headroom > (uint64_t)(limit.maps - others))
		return -EOVERFLOW;
	uint64_t count = (uint64_t)(limit.maps - others) - limit.headroom;

	if (count + SPARE_PAGES > b->len / page_bytes())
		return -E2BIG;
	return refill(b, count, ret_changed);
}

int ballast_raise(struct ballast *b, struct accounts *acc, int64_t limit, uint64_t headroom)
{
	struct ballast_limit to = {limit, headroom};
	struct ballast_change changed;
	struct snapshot now;
	int err = ballast_drop(b); /* and the table is short when it is read */

	if (!err)
		err = accounts_take(acc, SNAPSHOT_MAPS, &now);
	return err ? err : ballast_adjust(b, now.total_maps, to, &changed);
}

int ballast_lower(struct ballast *b, uint64_t maps, struct ballast_change *ret_changed)
{
	return refill(b, b->count > maps ? b->count - maps : 0, ret_changed);
}

/*
 * Whole VMAs change and grow together: nothing is split, so nothing can be refused for their
 * number. By way of the other protection, because two VMAs that had the wanted one already would
 * not be joined; a refused fill leaves such two behind.
 *
 * Unmapping could not be refused either, but would leave a hole in which the next mappings came to
 * lie, unlike in a run without ballast, and unseen by the accounts.
 */
int ballast_drop(struct ballast *b)
{
	if (b->count == 0)
		return 0;
	int err = change(b->start, b->len, PROT_READ);

	if (!err)
		err = change(b->start, b->len, PROT_NONE);
	if (!err)
		b->count = 0;
	return err;
}

int ballast_after_fork(struct ballast *b, struct accounts *acc)
{
	struct ballast old = *b;

	*b = (struct ballast){0};
	return old.len ? accounts_include(acc, old.start, old.start + old.len) : 0;
}
