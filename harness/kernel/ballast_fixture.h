/*
 * ballast_fixture.h - a ballast in a test's own child, and the kernel's refusals at the limit.
 */
#ifndef KERNEL_BALLAST_FIXTURE_H
#define KERNEL_BALLAST_FIXTURE_H

#include "harness/kernel/accounts_fixture.h"
#include "harness/kernel/ballast.h"

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW   (PROT_READ | PROT_WRITE)

static struct ballast ballast;

/* accounts_setup with a ballast in it, reserved and not raised. */
static inline void ballast_setup(int64_t limit)
{
	CHECK_EQ(sysconf(_SC_PAGESIZE), PAGE);
	CHECK_EQ(arena_init(&arena, accounts_arena_bytes()), 0);
	CHECK_EQ(accounts_new(&arena, &acc), 0);
	CHECK_EQ(accounts_exclude_present(acc), 0);
	CHECK_EQ(accounts_exclude_images(acc), 0);
	CHECK_EQ(ballast_reserve(&ballast, acc, limit), 0);
	CHECK_EQ(accounts_plug(acc), 0);
}

static inline int64_t limit_now(void)
{
	int64_t limit = accounts_max_map_count();

	CHECK(limit > 0);
	return limit;
}

/* 0 or the errno. One page, beside the one before it and of another protection: one VMA. */
static inline int map_one(uint64_t i)
{
	return mmap(NULL, PAGE, i % 2 ? PROT_READ : PROT_NONE, ANON, -1, 0) == MAP_FAILED ? errno
											  : 0;
}

/*
 * What the kernel refuses to a mapping of three pages, `headroom` below its limit; nothing is left
 * behind. A call that changes pages alone, or whole VMAs, is never refused.
 */
static inline void check_refusals(unsigned char *p, uint64_t headroom)
{
	CHECK_EQ(mprotect(p + 2 * PAGE, PAGE, PROT_NONE) == 0, headroom >= 1); /* an edge */
	CHECK_EQ(mprotect(p, 3 * PAGE, RW), 0);
	CHECK_EQ(mprotect(p + PAGE, PAGE, PROT_NONE) == 0, headroom >= 2); /* two splits */
	CHECK_EQ(mprotect(p, 3 * PAGE, RW), 0);
	CHECK_EQ(madvise(p, PAGE, MADV_DONTNEED), 0);
	CHECK_EQ(munmap(p + PAGE, PAGE) == 0, headroom >= 1); /* the middle */
	if (headroom >= 1)
		CHECK(mmap(p + PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) == p + PAGE);
}

/* The kernel itself counts: `headroom` VMAs fit, one beyond them, and then nothing. */
static inline void check_limit_is_near(uint64_t headroom)
{
	for (uint64_t i = 0; i <= headroom; i++)
		CHECK_EQ(map_one(i), 0);
	CHECK_EQ(map_one(headroom + 1), ENOMEM);
}

/* All of it at one headroom. */
static inline void check_raised(int64_t limit, uint64_t headroom)
{
	ballast_setup(limit);
	unsigned char *p = map_pages(3, RW, ANON);

	CHECK_EQ(ballast_raise(&ballast, acc, limit, headroom), 0);
	CHECK_EQ(take().total_maps, limit - (int64_t)headroom);
	CHECK_EQ(count_lines(), limit - (int64_t)headroom);
	check_refusals(p, headroom);
	CHECK_EQ(count_lines(), limit - (int64_t)headroom);
	check_limit_is_near(headroom);
	CHECK_EQ(munmap(p + PAGE, PAGE) != 0, 1); /* at L+1 as at L */
	CHECK_EQ(munmap(p, 3 * PAGE), 0);
}

#endif
