#include "harness/kernel/ballast_fixture.h"

static uint64_t case_headroom;

static void raised_at_the_limit_body(void)
{
	int64_t limit = limit_now();

	if (limit > 200000)
		CHILD_SKIP("max_map_count is too high to reach");
	check_raised(limit, case_headroom);
}

/* Odd and even counts of fillers, the smallest ones, and some that leave room. */
static void raised_at_the_limit(void **state)
{
	static const uint64_t headrooms[] = {0, 1, 2, 3, 4, 7, 40, 1001};

	(void)state;
	for (size_t i = 0; i < sizeof(headrooms) / sizeof(*headrooms); i++) {
		case_headroom = headrooms[i];
		run_in_child(raised_at_the_limit_body);
	}
}

/* What is asked for is exact also where the kernel's own limit is far, and again and again. */
CHILD_TEST(any_limit)
{
	ballast_setup(1002);
	for (int64_t limit = 1000; limit < 1003; limit++)
		for (uint64_t headroom = 0; headroom < 5; headroom++) {
			CHECK_EQ(ballast_raise(&ballast, acc, limit, headroom), 0);
			CHECK_EQ(take().total_maps, limit - (int64_t)headroom);
		}
}

static int64_t maps_in(const struct ballast_change *c)
{
	int64_t bytes = 0;

	for (int i = 0; i < 2; i++)
		bytes += (int64_t)(c->part[i].end - c->part[i].start);
	return bytes;
}

/* From any count of fillers to any other, as exact as when raised from none. */
CHILD_TEST(adjusted)
{
	static const uint64_t headrooms[] = {0, 1, 2, 40, 39, 3, 700, 1, 0, 0, 701};
	struct ballast_change changed;

	ballast_setup(1002);
	for (size_t i = 0; i < sizeof(headrooms) / sizeof(*headrooms); i++) {
		uint64_t headroom = headrooms[i];
		int64_t before = take().total_maps;
		bool same = i && headroom == headrooms[i - 1];
		struct ballast_limit limit = {1000, headroom};

		CHECK_EQ(ballast_adjust(&ballast, before, limit, &changed), 0);
		CHECK_EQ(take().total_maps, 1000 - (int64_t)headroom);
		CHECK_EQ(maps_in(&changed) == 0, same);
	}
	CHECK_EQ(ballast_lower(&ballast, 10, &changed), 0);
	CHECK_EQ(take().total_maps, 1000 - 701 - 10);
	CHECK_EQ(ballast_lower(&ballast, 1000000, &changed), 0);
	CHECK_EQ(ballast.count, 0);
	CHECK_EQ(ballast_adjust(&ballast, take().total_maps, (struct ballast_limit){1000, 1001},
				&changed),
		 -EOVERFLOW);
}

CHILD_TEST(reservation_is_one_vma_that_nobody_owns)
{
	CHECK_EQ(arena_init(&arena, accounts_arena_bytes()), 0);
	CHECK_EQ(accounts_new(&arena, &acc), 0);
	CHECK_EQ(accounts_exclude_present(acc), 0);
	CHECK_EQ(accounts_exclude_images(acc), 0);
	struct snapshot before = take();

	CHECK_EQ(ballast_reserve(&ballast, acc, 1000), 0);
	CHECK_EQ(take().total_maps, before.total_maps + 1);
	CHECK_OWNED_UNCHANGED(&before);
	CHECK_EQ(ballast_raise(&ballast, acc, 1000, 0), 0);
	CHECK_OWNED_UNCHANGED(&before);
	CHECK_EQ(ballast_drop(&ballast), 0);
	CHECK_EQ(take().total_maps, before.total_maps + 1);
	CHECK_OWNED_UNCHANGED(&before);
}

/* Beside reservations like its own, which it would merge with but for its flag. */
CHILD_TEST(merges_with_no_neighbour)
{
	accounts_setup();
	uintptr_t p = (uintptr_t)map_pages(4, PROT_NONE, ANON | MAP_NORESERVE);
	struct snapshot before = take();

	CHECK_EQ(ballast_reserve(&ballast, acc, 1000), 0);
	CHECK(ballast.start + ballast.len == p || ballast.start == p + 4 * PAGE);
	map_pages(4, PROT_NONE, ANON | MAP_NORESERVE);
	map_pages(4, PROT_READ, ANON | MAP_NORESERVE);
	CHECK_EQ(take().total_maps, before.total_maps + 3);
	CHECK_EQ(ballast_raise(&ballast, acc, 1000, 1), 0);
	CHECK_EQ(take().total_maps, 999);
	CHECK_EQ(ballast_drop(&ballast), 0);
	CHECK_EQ(take().total_maps, before.total_maps + 3);
}

CHILD_TEST(too_many_already)
{
	ballast_setup(1000);
	int64_t now = take().total_maps;

	CHECK_EQ(ballast_raise(&ballast, acc, now, 0), 0); /* exactly as many: nothing to fill */
	CHECK_EQ(ballast.count, 0);
	CHECK_EQ(ballast_raise(&ballast, acc, now + 5, 5), 0);
	CHECK_EQ(ballast_raise(&ballast, acc, now, 1), -EOVERFLOW);
	CHECK_EQ(ballast_raise(&ballast, acc, now - 1, 0), -EOVERFLOW);
	CHECK_EQ(ballast_raise(&ballast, acc, 1000, 1001), -EOVERFLOW);
	CHECK_EQ(ballast_raise(&ballast, acc, 1000, UINT64_MAX), -EOVERFLOW);
	CHECK_EQ(ballast_raise(&ballast, acc, -1, UINT64_MAX), -EOVERFLOW);
	CHECK_EQ(take().total_maps, now);
}

CHILD_TEST(limits_that_cannot_be)
{
	struct ballast b;

	accounts_setup();
	int64_t before = take().total_maps;

	CHECK_EQ(ballast_reserve(&b, acc, 0), -EINVAL);
	CHECK_EQ(ballast_reserve(&b, acc, -5), -EINVAL);
	CHECK_EQ(ballast_reserve(&b, acc, (int64_t)BALLAST_MAX + 1), -E2BIG);
	CHECK_EQ(ballast_reserve(&b, acc, INT64_MAX), -E2BIG);
	CHECK_EQ(b.len, 0);
	CHECK_EQ(take().total_maps, before);
	CHECK_EQ(ballast_reserve(&b, acc, BALLAST_MAX), 0);
	CHECK_EQ(take().total_maps, before + 1);
}

/* To the last page, by odd and even counts. */
CHILD_TEST(reservation_holds_as_many_as_asked_for)
{
	for (int64_t room = 100; room < 102; room++) {
		ballast_setup(room);
		int64_t before = take().total_maps;

		CHECK_EQ(ballast_raise(&ballast, acc, before + room, 0), 0);
		CHECK_EQ(take().total_maps, before + room);
		CHECK_EQ(ballast_raise(&ballast, acc, before + room + 1, 0), -E2BIG);
		CHECK_EQ(take().total_maps, before);
	}
}

/* Reserved for less than it is raised to, and raised beyond what the kernel allows. */
CHILD_TEST(what_cannot_be_filled_is_emptied)
{
	int64_t limit = limit_now();

	if (limit > 200000)
		CHILD_SKIP("max_map_count is too high to reach");
	ballast_setup(limit + 100);
	int64_t before = take().total_maps;

	CHECK_EQ(ballast_raise(&ballast, acc, limit + 200 + before, 0), -E2BIG);
	for (uint64_t headroom = 0; headroom < 5; headroom++) {
		CHECK_EQ(ballast_raise(&ballast, acc, limit + 5, headroom), -ENOMEM);
		CHECK_EQ(ballast.count, 0);
		CHECK_EQ(take().total_maps, before);
	}
	CHECK_EQ(ballast_raise(&ballast, acc, limit + 5, 5), 0);
	CHECK_EQ(take().total_maps, limit);
}

/* Raised, then the kernel's limit is overstepped: neither way out needs a map count. */
static bool unmapped_whole;

static void goes_beyond_the_limit_body(void)
{
	int64_t limit = limit_now();

	if (limit > 200000)
		CHILD_SKIP("max_map_count is too high to reach");
	ballast_setup(limit);
	int64_t before = take().total_maps;

	CHECK_EQ(ballast_raise(&ballast, acc, limit, 0), 0);
	CHECK_EQ(map_one(0), 0);
	CHECK_EQ(map_one(1), ENOMEM);
	CHECK_EQ(count_lines(), limit + 1);
	if (unmapped_whole)
		CHECK_EQ(munmap((void *)ballast.start, ballast.len), 0);
	else
		CHECK_EQ(ballast_drop(&ballast), 0);
	CHECK_EQ(count_lines(), before + 1 - unmapped_whole);
	CHECK_EQ(map_one(2), 0);
}

static void goes_beyond_the_limit(void **state)
{
	(void)state;
	for (int whole = 0; whole < 2; whole++) {
		unmapped_whole = whole;
		run_in_child(goes_beyond_the_limit_body);
	}
}

static void fork_child(int64_t maps_before)
{
	uintptr_t start = ballast.start;

	CHECK_EQ(accounts_after_fork(acc), 0);
	CHECK_EQ(take().total_maps, maps_before - 1); /* not even the reservation */
	CHECK_EQ(ballast_after_fork(&ballast, acc), 0);
	struct snapshot before = take();

	CHECK(mmap((void *)(start + 8 * PAGE), 2 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) ==
	      (void *)(start + 8 * PAGE));
	CHECK_CHANGE(&before, 1, 2, 0);
	CHECK_EQ(ballast.len, 0);
	CHECK_EQ(ballast_drop(&ballast), 0); /* nothing */
	CHECK_EQ(ballast_after_fork(&ballast, acc), 0);
	CHECK_CHANGE(&before, 1, 2, 0);
	_exit(0);
}

CHILD_TEST(fork_child_has_none)
{
	ballast_setup(20000);
	int64_t before = take().total_maps;
	int status;

	CHECK_EQ(ballast_raise(&ballast, acc, 20000, 3), 0);
	pid_t pid = fork();

	if (pid == 0)
		fork_child(before);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	CHECK_EQ(take().total_maps, 20000 - 3); /* the parent keeps it */
}

/* A dropped ballast leaves no hole: what is mapped next is seen. */
CHILD_TEST(nothing_lands_where_it_was)
{
	ballast_setup(1000);
	CHECK_EQ(ballast_raise(&ballast, acc, 1000, 3), 0);
	CHECK_EQ(ballast_drop(&ballast), 0);
	struct snapshot before = take();

	map_pages(5, RW, ANON);
	CHECK_CHANGE(&before, 1, 5, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raised_at_the_limit),
		cmocka_unit_test(any_limit),
		cmocka_unit_test(adjusted),
		cmocka_unit_test(reservation_is_one_vma_that_nobody_owns),
		cmocka_unit_test(merges_with_no_neighbour),
		cmocka_unit_test(too_many_already),
		cmocka_unit_test(limits_that_cannot_be),
		cmocka_unit_test(reservation_holds_as_many_as_asked_for),
		cmocka_unit_test(what_cannot_be_filled_is_emptied),
		cmocka_unit_test(goes_beyond_the_limit),
		cmocka_unit_test(fork_child_has_none),
		cmocka_unit_test(nothing_lands_where_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
