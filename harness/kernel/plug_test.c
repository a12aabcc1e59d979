#include <stdbool.h>
#include <sys/personality.h>
#include <sys/syscall.h>

#include "harness/kernel/accounts_fixture.h"

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW   (PROT_READ | PROT_WRITE)

/* In the old layout (setarch -L) the mmap area grows upwards. */
static bool grows_up(void)
{
	return personality(0xffffffff) & ADDR_COMPAT_LAYOUT;
}

/* Where `len` bytes go that are mapped next to `edge`, the end of what is mapped. */
static uintptr_t next_to(uintptr_t edge, size_t len)
{
	return grows_up() ? edge : edge - len;
}

/* The end of the mapping [p, p + len) on the side to which the area grows. */
static uintptr_t far_end(uintptr_t p, size_t len)
{
	return grows_up() ? p + len : p;
}

/* The outer end of all that the area holds. */
static uintptr_t edge_now(void)
{
	uintptr_t at = (uintptr_t)map_pages(1, RW, ANON);

	CHECK_EQ(munmap((void *)at, PAGE), 0);
	return far_end(at, PAGE) == at ? at + PAGE : at;
}

static bool is_outside(uintptr_t edge, uintptr_t p, size_t len)
{
	return grows_up() ? edge >= p + len : edge <= p;
}

CHILD_TEST(next_mappings_go_to_the_edge)
{
	static const size_t pages[] = {1, 3, 256, 7, 300, 2, 511};

	accounts_setup();
	uintptr_t edge = edge_now();
	struct snapshot start = take();
	size_t sum = 0;

	for (size_t i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		uintptr_t p = (uintptr_t)map_pages(pages[i], RW, ANON);

		CHECK_EQ(p, next_to(edge, pages[i] * PAGE));
		edge = far_end(p, pages[i] * PAGE);
		sum += pages[i];
		CHECK_CHANGE(&start, 1, sum, 0);
	}
}

/* Whatever the flags of the first mapping: it is one VMA more, never an older one made longer. */
CHILD_TEST(first_mapping_merges_with_nothing)
{
	static const int prots[] = {PROT_NONE, PROT_READ, RW};
	static const int flags[] = {ANON, ANON | MAP_NORESERVE, MAP_SHARED | MAP_ANONYMOUS,
				    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, ANON | MAP_STACK};

	accounts_setup();
	for (size_t i = 0; i < sizeof(prots) / sizeof(*prots); i++)
		for (size_t j = 0; j < sizeof(flags) / sizeof(*flags); j++) {
			struct snapshot start = take();
			unsigned char *p = map_pages(1, prots[i], flags[j]);

			CHECK_CHANGE(&start, 1, 1, 0);
			CHECK_EQ(munmap(p, PAGE), 0);
			CHECK_CHANGE(&start, 0, 0, 0);
		}
}

/* Two reservations of an allocator with a hole between them stay two VMAs. */
CHILD_TEST(plug_joins_no_reservations)
{
	CHECK_EQ(arena_init(&arena, accounts_arena_bytes()), 0);
	CHECK_EQ(accounts_new(&arena, &acc), 0);
	CHECK_EQ(accounts_exclude_present(acc), 0);
	unsigned char *p = map_pages(30, PROT_NONE, ANON | MAP_NORESERVE);

	CHECK_EQ(mprotect(p + 29 * PAGE, PAGE, RW), 0); /* parts it from what lies above */
	CHECK_EQ(munmap(p + 10 * PAGE, 10 * PAGE), 0);
	struct snapshot before = take();

	CHECK_EQ(accounts_plug(acc), 0);
	CHECK_OWNED_UNCHANGED(&before);
	CHECK(take().total_maps > before.total_maps);
	/* The hole is taken: */
	CHECK_EQ(mmap(p + 10 * PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED, 1);
	CHECK_EQ(mmap(p + 19 * PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED, 1);
}

CHILD_TEST(many_holes)
{
	CHECK_EQ(arena_init(&arena, accounts_arena_bytes()), 0);
	CHECK_EQ(accounts_new(&arena, &acc), 0);
	CHECK_EQ(accounts_exclude_present(acc), 0);
	unsigned char *p = map_pages(800, RW, ANON);

	for (size_t i = 1; i < 800; i += 2)
		CHECK_EQ(munmap(p + i * PAGE, PAGE), 0);
	struct snapshot before = take();

	CHECK_EQ(accounts_plug(acc), 0);
	CHECK_OWNED_UNCHANGED(&before);
	CHECK(is_outside(edge_now(), (uintptr_t)p, 800 * PAGE));
}

/* A reservation far outside, at an address of the allocator's choice, is left alone. */
CHILD_TEST(far_hint_is_not_of_the_area)
{
	const uintptr_t far = UINT64_C(4) << 40;

	CHECK_EQ(arena_init(&arena, accounts_arena_bytes()), 0);
	CHECK_EQ(accounts_new(&arena, &acc), 0);
	CHECK_EQ(accounts_plug(acc), 0);
	uintptr_t edge = edge_now();
	void *hint = (void *)(grows_up() ? edge + far : edge - far);
	void *p =
		mmap(hint, 64 << 20, PROT_NONE, ANON | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	if (p != hint)
		CHILD_SKIP("the hinted address is not free");
	CHECK_EQ(accounts_plug(acc), 0);
	CHECK_EQ(edge_now(), far_end(next_to(edge, PAGE), PAGE));
}

/* The break grows into the hole above it, however small the mmap area left that. */
CHILD_TEST(break_keeps_its_room)
{
	const uintptr_t left = UINT64_C(64) << 30;
	struct span heap;

	accounts_setup();
	CHECK_EQ(accounts_break(acc, &heap), 0);
	uintptr_t edge = edge_now();

	if (grows_up() || edge < heap.end + 2 * left)
		CHILD_SKIP("the mmap area does not grow towards the break");
	size_t len = (edge - heap.end - left) & -((size_t)2 << 20);

	if (mmap(NULL, len, PROT_NONE, ANON | MAP_NORESERVE, -1, 0) == MAP_FAILED)
		CHILD_SKIP("no room for a large reservation");
	CHECK_EQ(accounts_plug(acc), 0);
	uintptr_t more = (uintptr_t)syscall(SYS_brk, heap.end + 1000 * PAGE);

	CHECK_EQ(more, heap.end + 1000 * PAGE);
	CHECK(edge_now() > more);
}

/* Again after a first time: only one more page. */
CHILD_TEST(plugging_twice)
{
	accounts_setup();
	struct snapshot before = take();
	uintptr_t edge = edge_now();

	CHECK_EQ(accounts_plug(acc), 0);
	CHECK_EQ(edge_now(), far_end(next_to(edge, PAGE), PAGE));
	CHECK_OWNED_UNCHANGED(&before);
}

/* Half a terabyte costs neither memory nor time. */
CHILD_TEST(large_hole)
{
	CHECK_EQ(arena_init(&arena, accounts_arena_bytes()), 0);
	CHECK_EQ(accounts_new(&arena, &acc), 0);
	CHECK_EQ(accounts_exclude_present(acc), 0);
	size_t len = (size_t)1 << 39;
	unsigned char *p = mmap(NULL, len, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		CHILD_SKIP("no room for a large reservation");
	CHECK_EQ(munmap(p + PAGE, len - PAGE), 0);
	struct snapshot before = take();

	CHECK_EQ(accounts_plug(acc), 0);
	CHECK_OWNED_UNCHANGED(&before);
	CHECK(is_outside(edge_now(), (uintptr_t)p, PAGE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(next_mappings_go_to_the_edge),
		cmocka_unit_test(first_mapping_merges_with_nothing),
		cmocka_unit_test(plug_joins_no_reservations),
		cmocka_unit_test(many_holes),
		cmocka_unit_test(far_hint_is_not_of_the_area),
		cmocka_unit_test(break_keeps_its_room),
		cmocka_unit_test(plugging_twice),
		cmocka_unit_test(large_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
