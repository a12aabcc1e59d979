/*
 * describe_kernel_limits.c - at which number of maps each call still succeeds.
 *
 * Ballast fills the table up to HEADROOM maps before vm.max_map_count. The rest is filled with
 * single pages on the stage, to the exact count that is to be tried; each of them can be unmapped
 * again at any count, so the ballast is raised once for all rows.
 */
#include "harness/cli/describe_kernel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/cli/describe_kernel_child.h"
#include "harness/cli/describe_kernel_new.h"
#include "harness/kernel/accounts.h"
#include "harness/kernel/ballast.h"

#define SECONDS	    8
#define HEADROOM    64
#define LOWEST	    (-16) /* counts tried, relative to the limit */
#define HIGHEST	    1	  /* an mmap at the limit itself leads one beyond it */
#define FIRST_PAD   1024  /* page of the stage */
#define FREE_PLACE  512	  /* page of the stage where nothing lies */
#define BREAK_PAGES 16
/* Filling the table takes a microsecond a map, and 200 bytes of the kernel's memory. */
#define LIMIT_MAX (1 << 21)

#define PRIVATE MAP_PRIVATE

/* One try: what the call moved to a place of the kernel's choice, or the old break. */
struct attempt {
	const struct stage *stage;
	void *moved;
	size_t moved_bytes;
	uintptr_t old_break;
};

struct limit_case {
	struct row_words words;
	size_t pages;			/* of the mapping that is there: pages 0 .. pages - 1 */
	int (*call)(struct attempt *a); /* 0 or -errno */
};

static int result(int rc)
{
	return rc != 0 ? -errno : 0;
}

static size_t bytes(const struct attempt *a, size_t pages)
{
	return pages * a->stage->page;
}

static int map_separate(struct attempt *a)
{
	return stage_map(a->stage, FREE_PLACE, 1, PROT_READ, PRIVATE);
}

static int map_merging(struct attempt *a)
{
	return stage_map(a->stage, 1, 1, PROT_READ, PRIVATE);
}

static int map_over_middle(struct attempt *a)
{
	return stage_map(a->stage, 1, 1, PROT_NONE, PRIVATE | MAP_FIXED);
}

static int unmap_whole(struct attempt *a)
{
	return result(munmap(stage_at(a->stage, 0), bytes(a, 3)));
}

static int unmap_edge(struct attempt *a)
{
	return result(munmap(stage_at(a->stage, 0), bytes(a, 1)));
}

static int unmap_middle(struct attempt *a)
{
	return result(munmap(stage_at(a->stage, 1), bytes(a, 1)));
}

static int protect_whole(struct attempt *a)
{
	return result(mprotect(stage_at(a->stage, 0), bytes(a, 3), PROT_NONE));
}

static int protect_edge(struct attempt *a)
{
	return result(mprotect(stage_at(a->stage, 0), bytes(a, 1), PROT_NONE));
}

static int protect_middle(struct attempt *a)
{
	return result(mprotect(stage_at(a->stage, 1), bytes(a, 1), PROT_NONE));
}

static int remap_shrink(struct attempt *a)
{
	return mremap(stage_at(a->stage, 0), bytes(a, 3), bytes(a, 1), 0) == MAP_FAILED ? -errno
											: 0;
}

static int remap_grow(struct attempt *a)
{
	return mremap(stage_at(a->stage, 0), bytes(a, 3), bytes(a, 4), 0) == MAP_FAILED ? -errno
											: 0;
}

static int remap_away(struct attempt *a, size_t pages, int flags)
{
	/* Not left to libc: some pass on whatever the register of the fifth argument holds. */
	void *p = mremap(stage_at(a->stage, 0), bytes(a, 3), bytes(a, pages), flags, NULL);

	if (p == MAP_FAILED)
		return -errno;
	if (p != stage_at(a->stage, 0)) {
		a->moved = p;
		a->moved_bytes = bytes(a, pages);
	}
	return 0;
}

/* So large that the fillers are in its way. */
static int remap_move(struct attempt *a)
{
	return remap_away(a, 2 * FIRST_PAD, MREMAP_MAYMOVE);
}

static int remap_dontunmap(struct attempt *a)
{
	return remap_away(a, 3, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
}

static int remap_fixed(struct attempt *a)
{
	void *p = mremap(stage_at(a->stage, 0), bytes(a, 3), bytes(a, 3),
			 MREMAP_MAYMOVE | MREMAP_FIXED, stage_at(a->stage, FREE_PLACE));

	return p == MAP_FAILED ? -errno : 0;
}

static int advise_middle(struct attempt *a, int advice)
{
	return result(madvise(stage_at(a->stage, 1), bytes(a, 1), advice));
}

static int dontfork_edge(struct attempt *a)
{
	return result(madvise(stage_at(a->stage, 0), bytes(a, 1), MADV_DONTFORK));
}

static int dontfork_middle(struct attempt *a)
{
	return advise_middle(a, MADV_DONTFORK);
}

static int dontneed_middle(struct attempt *a)
{
	return advise_middle(a, MADV_DONTNEED);
}

static int guard_middle(struct attempt *a)
{
	return advise_middle(a, MADV_GUARD_INSTALL);
}

/* Not libc's: the sanitizers make nothing of it. */
static int lock_middle(struct attempt *a)
{
	return result((int)syscall(SYS_mlock, stage_at(a->stage, 1), bytes(a, 1)));
}

/* The kernel answers with the break as it is then, whatever it did. */
static int grow_break(struct attempt *a)
{
	uintptr_t old = (uintptr_t)syscall(SYS_brk, 0), want = old + bytes(a, BREAK_PAGES);

	if ((uintptr_t)syscall(SYS_brk, want) != want)
		return -ENOMEM;
	a->old_break = old;
	return 0;
}

static const struct limit_case cases[] = {
	{{"mmap", "mmap of a separate page", NULL}, 0, map_separate},
	{{"mmap-merging", "mmap that merges with its neighbour", NULL}, 1, map_merging},
	{{"mmap-fixed-middle", "mmap with MAP_FIXED over the middle", NULL}, 3, map_over_middle},
	{{"munmap-whole", "munmap of a whole mapping", NULL}, 3, unmap_whole},
	{{"munmap-edge", "munmap of an edge", NULL}, 3, unmap_edge},
	{{"munmap-middle", "munmap of the middle", NULL}, 3, unmap_middle},
	{{"mprotect-whole", "mprotect of a whole mapping", NULL}, 3, protect_whole},
	{{"mprotect-edge", "mprotect of an edge", NULL}, 3, protect_edge},
	{{"mprotect-middle", "mprotect of the middle", NULL}, 3, protect_middle},
	{{"mremap-shrink", "mremap that shrinks", NULL}, 3, remap_shrink},
	{{"mremap-grow", "mremap that grows in place", NULL}, 3, remap_grow},
	{{"mremap-move", "mremap that moves (MREMAP_MAYMOVE)", NULL}, 3, remap_move},
	{{"mremap-fixed", "mremap to a fixed place", NULL}, 3, remap_fixed},
	{{"mremap-dontunmap", "mremap with MREMAP_DONTUNMAP", NULL}, 3, remap_dontunmap},
	{{"dontfork-edge", "MADV_DONTFORK of an edge", NULL}, 3, dontfork_edge},
	{{"dontfork-middle", "MADV_DONTFORK of the middle", NULL}, 3, dontfork_middle},
	{{"dontneed-middle", "MADV_DONTNEED of the middle", NULL}, 3, dontneed_middle},
	{{"guard-install-middle", "MADV_GUARD_INSTALL of the middle", NULL}, 3, guard_middle},
	{{"brk", "growing the break", NULL}, 0, grow_break},
	{{"mlock-middle", "mlock of the middle", NULL}, 3, lock_middle},
};

#define CASES (sizeof(cases) / sizeof(cases[0]))
_Static_assert(CASES <= KERNEL_LIMITS, "each has a row");

const struct row_words *kernel_limit_words(size_t index)
{
	return index < CASES ? &cases[index].words : NULL;
}

/* What the child works with. */
struct limits {
	struct kernel_description *d;
	struct stage stage;
	struct arena arena;
	struct accounts *acc;
	struct ballast ballast;
	int base; /* maps without those of the stage, relative to the limit */
};

/* The mapping that the call is made on. */
static int lay_out(const struct stage *s, const struct limit_case *c)
{
	int err = stage_clear(s);

	if (err || !c->pages)
		return err;
	return stage_map(s, 0, c->pages, PROT_READ, PRIVATE);
}

static void undo(const struct attempt *a)
{
	if (a->moved)
		munmap(a->moved, a->moved_bytes);
	if (a->old_break)
		syscall(SYS_brk, a->old_break);
}

/* -EOVERFLOW: that count cannot be reached. */
static int fill_to(const struct limits *l, const struct limit_case *c, int count)
{
	int missing = count - l->base - (c->pages != 0);

	for (int i = 0; i < missing; i++)
		if (stage_map(&l->stage, FIRST_PAD + 2 * (size_t)i, 1, PROT_READ, PRIVATE) != 0)
			return -EOVERFLOW;
	return 0;
}

/* *ret_after: maps more than before, only asked for after a refusal. */
static int try_at(const struct limits *l, const struct limit_case *c, int count, int *ret_after)
{
	struct attempt a = {.stage = &l->stage};
	int err = lay_out(&l->stage, c);

	if (!err)
		err = fill_to(l, c, count);
	if (err)
		return err;
	int before = ret_after ? stage_maps(&l->stage) : 0;

	err = c->call(&a);
	if (ret_after)
		*ret_after = stage_maps(&l->stage) - before;
	undo(&a);
	return err;
}

/* Where there is room for everything: a call that is refused here is refused for another reason. */
static int rehearse(const struct limits *l, const struct limit_case *c)
{
	return try_at(l, c, l->base + 2, NULL);
}

static void measure_row(struct limits *l, const struct limit_case *c, struct limit_row *row)
{
	int count = LOWEST, err = rehearse(l, c);

	if (err) {
		row->err = -err;
		return;
	}
	while (count <= l->d->highest_count && (err = try_at(l, c, count, NULL)) == 0)
		count++;
	row->any = count > l->d->highest_count;
	row->highest = count > LOWEST ? count - 1 : INT32_MIN;
	if (!row->any) {
		row->refusal = -err;
		try_at(l, c, count, &row->left_behind);
	}
	row->measured = true;
}

/* Whether a count beyond the limit is possible depends on how the kernel checks an mmap. */
static int reachable(const struct limits *l)
{
	const struct limit_case nothing = {.pages = 0};
	int count = HIGHEST;

	while (count > LOWEST && (stage_clear(&l->stage) != 0 || fill_to(l, &nothing, count) != 0))
		count--;
	return count;
}

static int prepare(struct limits *l)
{
	int64_t limit = accounts_max_map_count();
	int err;

	if (limit < 0)
		return (int)limit;
	if (limit > LIMIT_MAX)
		return -E2BIG;
	err = arena_init(&l->arena, accounts_arena_bytes());
	if (!err)
		err = accounts_new(&l->arena, &l->acc);
	if (!err)
		err = ballast_reserve(&l->ballast, l->acc, limit);
	/* Last: what is mapped at a place of the kernel's choice may come to lie on the stage. */
	if (!err)
		err = stage_open(&l->stage);
	if (!err)
		err = ballast_raise(&l->ballast, l->acc, limit, HEADROOM);
	l->base = -HEADROOM;
	return err;
}

static void describe_failure(struct kernel_description *d, int err)
{
	const char *why = strerror(-err);

	if (err == -E2BIG)
		why = "vm.max_map_count is too large to be filled up in a few seconds";
	else if (err == -EOVERFLOW)
		why = "vm.max_map_count is hardly more than a process has anyhow";
	snprintf(d->limits_why, sizeof(d->limits_why), "%s", why);
}

static void measure(void *ctx)
{
	struct limits l = {.d = ctx};
	int err = prepare(&l);

	if (err) {
		describe_failure(l.d, err);
		return;
	}
	l.d->highest_count = reachable(&l);
	for (size_t i = 0; i < CASES; i++)
		measure_row(&l, &cases[i], &l.d->limit[i]);
}

void kernel_measure_limits(struct kernel_description *d)
{
	kernel_child(measure, d, SECONDS, d->limits_why, sizeof(d->limits_why));
}
