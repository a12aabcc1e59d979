/*
 * The pages of the region, raised by an odd count: page 0 is another protection than page 1, which
 * is one VMA more; pages 2, 4, 6 ... each stand between two of the old one, which is two more. By
 * an even count page 0 stays as it is. No two pages that were changed meet, so the count holds.
 */
#include "harness/kernel/ballast.h"

#include <errno.h>
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

/* `count` VMAs more than the one of the reservation; all or none of them. */
static int fill(struct ballast *b, uint64_t count)
{
	uintptr_t page = page_bytes();
	int err = count % 2 ? change(b->start, page, PROT_READ) : 0;

	for (uint64_t i = 1; i <= count / 2 && !err; i++)
		err = change(b->start + 2 * i * page, page, PROT_READ);
	b->count = count;
	if (err)
		ballast_drop(b);
	return err;
}

int ballast_raise(struct ballast *b, struct accounts *acc, int64_t limit, uint64_t headroom)
{
	struct snapshot now;
	int err = ballast_drop(b); /* and the table is short when it is read */

	if (!err)
		err = accounts_take(acc, SNAPSHOT_MAPS, &now);
	if (err)
		return err;
	if (limit < now.total_maps || headroom > (uint64_t)(limit - now.total_maps))
		return -EOVERFLOW;
	uint64_t count = (uint64_t)(limit - now.total_maps) - headroom;

	if (count + SPARE_PAGES > b->len / page_bytes())
		return -E2BIG;
	return fill(b, count);
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
