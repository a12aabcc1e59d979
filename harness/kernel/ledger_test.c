#include "harness/kernel/ledger.h"

#include <sys/resource.h>

#include "harness/kernel/ledger_fixture.h"

static struct ledger_drift reconcile(void)
{
	struct ledger_drift d = {~0ull, -1, -1};

	CHECK_EQ(ledger_reconcile(ledger, &d), 0);
	check_now();
	return d;
}

#define CHECK_DRIFT(vmas_, maps_, pages_)                                                          \
	do {                                                                                       \
		struct ledger_drift d_ = reconcile();                                              \
		CHECK_EQ(d_.vmas, vmas_);                                                          \
		CHECK_EQ(d_.maps, maps_);                                                          \
		CHECK_EQ(d_.mapped_bytes, (int64_t)PAGE *(pages_));                                \
	} while (0)

static uintptr_t map_by_allocator(size_t pages, int prot)
{
	int64_t p = BY_ALLOCATOR(SYS_mmap, 0, pages * PAGE, (uint64_t)prot, ANON, -1u, 0);

	CHECK(p > 0);
	return (uintptr_t)p;
}

static uintptr_t map_by_program(uint32_t slot, size_t pages, int prot)
{
	int64_t p = BY_PROGRAM(slot, SYS_mmap, 0, pages * PAGE, (uint64_t)prot, ANON, -1u, 0);

	CHECK(p > 0);
	return (uintptr_t)p;
}

static void check_slot(uintptr_t start, size_t pages, uint64_t slot)
{
	struct range r;

	for (uintptr_t at = start; at < start + pages * PAGE; at += PAGE) {
		CHECK(range_set_first(ledger_program(ledger), at, at + PAGE, &r));
		CHECK_EQ(r.tag, slot);
	}
}

static bool is_programs(uintptr_t start, size_t pages)
{
	struct range r;

	return range_set_first(ledger_program(ledger), start, start + pages * PAGE, &r);
}

CHILD_TEST(a_vma_counts_for_each_owner_and_once_in_all)
{
	ledger_setup();
	ledger_start();
	struct ledger_counts start = *ledger_now(ledger);
	uintptr_t p = map_by_allocator(6, RW);

	CHECK_BY(&start, CALLER_ALLOCATOR, 1, 6);
	CHECK_BY(&start, CALLER_PROGRAM, 0, 0);
	/* Merges with what is above it. */
	CHECK_EQ(BY_PROGRAM(3, SYS_mmap, p, 2 * PAGE, RW, ANON | MAP_FIXED, -1u, 0), p);
	CHECK_BY(&start, CALLER_ALLOCATOR, 1, 4);
	CHECK_BY(&start, CALLER_PROGRAM, 1, 2);
	CHECK_EQ(ledger_now(ledger)->maps - start.maps, 1);
	check_slot(p, 2, 3);
	CHECK_EQ(BY_ALLOCATOR(SYS_munmap, p + PAGE, 2 * PAGE), 0); /* a page of each */
	CHECK_BY(&start, CALLER_ALLOCATOR, 1, 3);
	CHECK_BY(&start, CALLER_PROGRAM, 1, 1);
	CHECK_EQ(ledger_now(ledger)->maps - start.maps, 2);
}

CHILD_TEST(each_member_of_the_peak_is_its_own_highest)
{
	ledger_setup();
	ledger_start();
	struct ledger_counts start = *ledger_now(ledger);
	uintptr_t p = map_by_allocator(9, RW);

	CHECK_EQ(BY_ALLOCATOR(SYS_mprotect, p + PAGE, PAGE, PROT_NONE), 0);
	CHECK_EQ(BY_ALLOCATOR(SYS_munmap, p, 9 * PAGE), 0);
	map_by_program(0, 20, RW);
	const struct ledger_counts *peak = ledger_peak(ledger);

	CHECK_EQ(peak->maps - start.maps, 3);
	CHECK_EQ(peak->maps_by[CALLER_PROGRAM] - start.maps_by[CALLER_PROGRAM], 1);
	CHECK_EQ(peak->mapped_bytes - start.mapped_bytes, 20 * PAGE);
	CHECK_EQ(peak->mapped_by[CALLER_ALLOCATOR] - start.mapped_by[CALLER_ALLOCATOR], 9 * PAGE);
	ledger_start();
	CHECK_EQ(ledger_peak(ledger)->maps, ledger_now(ledger)->maps);
}

CHILD_TEST(resident_bytes_are_of_the_allocators_ranges_alone)
{
	int64_t before, after, span;

	ledger_setup();
	ledger_start();
	volatile char *own = (char *)map_by_allocator(8, RW);
	volatile char *other = (char *)map_by_program(1, 8, RW);

	CHECK_EQ(ledger_resident(ledger, &before), 0);
	for (int i = 0; i < 3; i++)
		own[(size_t)i * PAGE] = other[(size_t)i * PAGE] = 1;
	(void)own[5 * PAGE]; /* the zero page is not resident */
	CHECK_EQ(ledger_resident(ledger, &after), 0);
	CHECK_EQ(after - before, 3 * PAGE);
	CHECK_EQ(accounts_resident(acc, (uintptr_t)own + PAGE, (uintptr_t)own + 8 * PAGE, &span),
		 0);
	CHECK_EQ(span, 2 * PAGE);
}

CHILD_TEST(neighbours_of_the_allocator_take_one_range)
{
	ledger_setup();
	ledger_start();
	uint32_t ranges = range_set_count(ledger->allocator);

	for (int i = 0; i < 3000; i++)
		map_by_allocator(1, RW);
	CHECK_EQ(range_set_count(ledger->allocator), ranges + 1);
	check_now();
}

CHILD_TEST(an_injected_refusal_changes_nothing)
{
	struct kernel_call c = {.nr = SYS_munmap, .err = ENOMEM, .injected = true};

	ledger_setup();
	ledger_start();
	c.arg[0] = map_by_allocator(3, RW);
	c.arg[1] = 3 * PAGE;
	struct ledger_counts before = *ledger_now(ledger);

	apply_call(&c, 0);
	CHECK_BY(&before, CALLER_ALLOCATOR, 0, 0);
}

CHILD_TEST(what_is_excluded_counts_for_nobody)
{
	ledger_setup();
	uintptr_t p = (uintptr_t)map_pages(10, RW, ANON);

	CHECK_EQ(munmap((void *)p, 10 * PAGE), 0);
	CHECK_EQ(accounts_exclude(acc, p + 2 * PAGE, p + 5 * PAGE), 0);
	ledger_start();
	struct ledger_counts start = *ledger_now(ledger);

	CHECK_EQ(BY_ALLOCATOR(SYS_mmap, p, 10 * PAGE, RW, ANON | MAP_FIXED, -1u, 0), p);
	CHECK_BY(&start, CALLER_ALLOCATOR, 1, 7);
	CHECK_EQ(BY_ALLOCATOR(SYS_mprotect, p + 3 * PAGE, PAGE, PROT_READ), 0);
	CHECK_BY(&start, CALLER_ALLOCATOR, 2, 7);
	CHECK_EQ(ledger_now(ledger)->total_maps - start.total_maps, 3);
	/* The program's own, although it is not counted. */
	CHECK_EQ(BY_PROGRAM(4, SYS_mmap, p, 10 * PAGE, RW, ANON | MAP_FIXED, -1u, 0), p);
	CHECK_BY(&start, CALLER_PROGRAM, 1, 7);
	CHECK_BY(&start, CALLER_ALLOCATOR, 0, 0);
	check_slot(p, 10, 4);
	CHECK_EQ(BY_PROGRAM(4, SYS_munmap, p, 3 * PAGE), 0);
	CHECK_BY(&start, CALLER_PROGRAM, 1, 5);
	CHECK_DRIFT(0, 0, 0);
}

/* Each piece keeps its slot, what is the allocator's in between goes along, growth is the caller's.
 */
CHILD_TEST(mremap_takes_owners_along)
{
	ledger_setup();
	ledger_start();
	uintptr_t p = map_by_allocator(7, PROT_NONE); /* its last page stays in the way */

	CHECK_EQ(BY_ALLOCATOR(SYS_munmap, p, 6 * PAGE), 0);
	struct ledger_counts start = *ledger_now(ledger);

	CHECK_EQ(BY_PROGRAM(1, SYS_mmap, p, 6 * PAGE, RW, ANON | MAP_FIXED, -1u, 0), p);
	CHECK_EQ(BY_PROGRAM(2, SYS_mmap, p + PAGE, PAGE, RW, ANON | MAP_FIXED, -1u, 0), p + PAGE);
	CHECK_EQ(BY_ALLOCATOR(SYS_mmap, p + 2 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1u, 0),
		 p + 2 * PAGE);
	CHECK_EQ(ledger_now(ledger)->maps - start.maps, 1);
	uintptr_t to =
		(uintptr_t)BY_PROGRAM(9, SYS_mremap, p, 6 * PAGE, 4000 * PAGE, MREMAP_MAYMOVE, 0);
	CHECK(to != p);
	CHECK(!is_programs(p, 6) || to < p + 6 * PAGE);
	check_slot(to, 1, 1);
	check_slot(to + PAGE, 1, 2);
	CHECK(!is_programs(to + 2 * PAGE, 1));
	check_slot(to + 3 * PAGE, 3, 1);
	check_slot(to + 6 * PAGE, 3994, 9);
	CHECK_BY(&start, CALLER_ALLOCATOR, 1, 1);
	CHECK_BY(&start, CALLER_PROGRAM, 1, 3999);
	CHECK_EQ(BY_PROGRAM(9, SYS_mremap, to, 4000 * PAGE, 3 * PAGE, 0, 0), to);
	CHECK_BY(&start, CALLER_PROGRAM, 1, 2);
}

CHILD_TEST(mremap_of_several_vmas_leaves_the_place_of_holes)
{
	ledger_setup();
	ledger_start();
	uintptr_t p = map_by_program(1, 5, RW), q = map_by_allocator(5, PROT_READ);
	struct ledger_counts before;

	CHECK_EQ(BY_PROGRAM(1, SYS_mprotect, p, PAGE, PROT_READ), 0);
	CHECK_EQ(BY_PROGRAM(1, SYS_munmap, p + 2 * PAGE, PAGE), 0);
	before = *ledger_now(ledger);
	if (BY_PROGRAM(1, SYS_mremap, p, 5 * PAGE, 5 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q) < 0)
		CHILD_SKIP("mremap moves one VMA at a time (before 6.17)");
	check_slot(q, 2, 1);
	check_slot(q + 3 * PAGE, 2, 1);
	CHECK(!is_programs(q + 2 * PAGE, 1));
	CHECK_EQ(ledger_now(ledger)->mapped_by[CALLER_PROGRAM], before.mapped_by[CALLER_PROGRAM]);
	check_now();
}

CHILD_TEST(drift_is_what_nobody_told)
{
	ledger_setup();
	ledger_start();
	uintptr_t p = map_by_allocator(10, RW), q = map_by_program(5, 4, PROT_READ);

	CHECK_DRIFT(0, 0, 0);
	CHECK_EQ(munmap((void *)(p + 3 * PAGE), 2 * PAGE), 0);
	CHECK_DRIFT(2, 1, -2);
	CHECK_EQ(munmap((void *)(q + PAGE), 3 * PAGE), 0);
	CHECK_DRIFT(1, 0, -3);
	check_slot(q, 1, 5);
	CHECK(!is_programs(q + PAGE, 3));
	map_pages(3, PROT_EXEC, ANON);
	CHECK_DRIFT(1, 1, 3);
	CHECK_EQ(mprotect((void *)p, 3 * PAGE, PROT_NONE), 0); /* no other bounds */
	CHECK_DRIFT(0, 0, 0);
}

/* Neighbours that an unwatched thread changed are seen when the kernel's answer shows it. */
CHILD_TEST(a_call_beside_an_untold_change_corrects_it)
{
	ledger_setup();
	ledger_start();
	uintptr_t p = map_by_allocator(20, RW);

	/* below: what the call leaves whole begins higher */
	CHECK_EQ(munmap((void *)(p + 4 * PAGE), PAGE), 0);
	CHECK_EQ(BY_ALLOCATOR(SYS_mprotect, p + 8 * PAGE, PAGE, RW), 0);
	check_now();
	/* above: what follows the hole is not what followed */
	CHECK_EQ(munmap((void *)(p + 12 * PAGE), PAGE), 0);
	CHECK_EQ(BY_ALLOCATOR(SYS_munmap, p + 9 * PAGE, PAGE), 0);
	check_now();
	/* all above is gone, and all below */
	CHECK_EQ(munmap((void *)(p + 13 * PAGE), 7 * PAGE), 0);
	CHECK_EQ(BY_ALLOCATOR(SYS_munmap, p + 10 * PAGE, 2 * PAGE), 0);
	check_now();
	CHECK_EQ(munmap((void *)p, 4 * PAGE), 0);
	CHECK_EQ(BY_ALLOCATOR(SYS_munmap, p, 4 * PAGE), 0);
	check_now();
	/* more is mapped than anybody told */
	CHECK(mmap((void *)p, 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0) == (void *)p);
	CHECK_EQ(BY_PROGRAM(1, SYS_mmap, p + 4 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1u, 0),
		 p + 4 * PAGE);
	check_now();
	CHECK(!is_programs(p, 4));
	CHECK_DRIFT(0, 0, 0);
}

static int __attribute__((noinline)) deep(int n)
{
	volatile char frame[4096];

	frame[0] = (char)n;
	return n ? deep(n - 1) + frame[0] : 0;
}

CHILD_TEST(a_stack_that_grows_is_no_drift)
{
	ledger_setup();
	ledger_start();
	int64_t total = ledger_now(ledger)->total_maps;
	uintptr_t p = map_by_allocator(1, RW);

	deep(500);
	check_now();
	CHECK_EQ(BY_ALLOCATOR(SYS_munmap, p, PAGE), 0);
	CHECK_DRIFT(0, 0, 0);
	CHECK_EQ(ledger_now(ledger)->total_maps, total);
}

CHILD_TEST(changes_of_what_is_excluded_are_no_drift)
{
	ledger_setup();
	unsigned char *p = map_pages(100, PROT_NONE, SHARED | MAP_NORESERVE);

	CHECK_EQ(accounts_exclude(acc, (uintptr_t)p, (uintptr_t)p + 100 * PAGE), 0);
	ledger_start();
	int64_t total = ledger_now(ledger)->total_maps;

	for (size_t i = 1; i < 100; i += 2)
		CHECK_EQ(mprotect(p + i * PAGE, PAGE, PROT_READ), 0);
	CHECK_DRIFT(0, 0, 0);
	CHECK_EQ(ledger_now(ledger)->total_maps, total + 99);
	CHECK_EQ(munmap(p, 100 * PAGE), 0);
	CHECK_DRIFT(0, 0, 0);
	CHECK_EQ(ledger_now(ledger)->total_maps, total - 1);
}

CHILD_TEST(counts_maps_over_ascending_ranges_once)
{
	ledger_setup();
	ledger_start();
	uintptr_t p = map_by_allocator(9, RW), from = 0;

	CHECK_EQ(BY_ALLOCATOR(SYS_mprotect, p + 3 * PAGE, 3 * PAGE, PROT_READ), 0);
	CHECK_EQ(ledger_maps_over(ledger, p, p + PAGE, &from), 1);
	CHECK_EQ(ledger_maps_over(ledger, p + PAGE, p + 2 * PAGE, &from), 0);
	CHECK_EQ(ledger_maps_over(ledger, p + 2 * PAGE, p + 4 * PAGE, &from), 1);
	CHECK_EQ(ledger_maps_over(ledger, p + 5 * PAGE, p + 9 * PAGE, &from), 1);
	from = 0;
	CHECK_EQ(ledger_maps_over(ledger, p, p + 9 * PAGE, &from), 3);
	CHECK_EQ(ledger_maps_over(ledger, p, p + 9 * PAGE, &from), 0);
	from = p + PAGE; /* the first begins below */
	CHECK_EQ(ledger_maps_over(ledger, p, p + 9 * PAGE, &from), 2);
}

#define CHECK_SIDES(from, to, is_below, is_above)                                                  \
	do {                                                                                       \
		struct ledger_sides sides = ledger_sides_of(ledger, from, to);                     \
		CHECK_EQ(sides.below, is_below);                                                   \
		CHECK_EQ(sides.above, is_above);                                                   \
	} while (0)

CHILD_TEST(sees_what_lies_beside_a_range)
{
	ledger_setup();
	ledger_start();
	uintptr_t p = map_by_program(1, 9, RW);

	CHECK_SIDES(p + PAGE, p + 2 * PAGE, LEDGER_SAME, LEDGER_SAME);
	CHECK_EQ(BY_PROGRAM(1, SYS_mprotect, p + 3 * PAGE, 3 * PAGE, PROT_READ), 0);
	CHECK_SIDES(p + 3 * PAGE, p + 6 * PAGE, LEDGER_OTHER, LEDGER_OTHER);
	CHECK_SIDES(p + 3 * PAGE, p + 5 * PAGE, LEDGER_OTHER, LEDGER_SAME);
	CHECK_EQ(BY_PROGRAM(1, SYS_munmap, p + 2 * PAGE, PAGE), 0);
	CHECK_SIDES(p + 3 * PAGE, p + 6 * PAGE, LEDGER_NOTHING, LEDGER_OTHER);
	CHECK_SIDES(p + 2 * PAGE, p + 3 * PAGE, LEDGER_OTHER, LEDGER_OTHER);
	CHECK_SIDES(p + PAGE, p + 2 * PAGE, LEDGER_SAME, LEDGER_NOTHING);
	CHECK_SIDES(0, PAGE, LEDGER_NOTHING, LEDGER_NOTHING);
}

/* The tag that owns a page, and no page of nobody's. */
static uint64_t tag_at(uintptr_t at)
{
	struct range r;

	CHECK(range_set_first(ledger_program(ledger), at, at + PAGE, &r));
	return r.tag;
}

CHILD_TEST(what_was_moved_is_another_slots)
{
	ledger_setup();
	ledger_start();
	struct ledger_counts start = *ledger_now(ledger);
	uintptr_t p = map_by_program(1, 10, RW);

	CHECK_EQ(BY_PROGRAM(1, SYS_munmap, p + 4 * PAGE, PAGE), 0);
	CHECK_EQ(ledger_retag(ledger, p + 2 * PAGE, p + 7 * PAGE, 9), 0);
	CHECK_BY(&start, CALLER_PROGRAM, 2, 9);
	CHECK_EQ(tag_at(p + PAGE), 1);
	CHECK_EQ(tag_at(p + 2 * PAGE), 9);
	CHECK_EQ(tag_at(p + 6 * PAGE), 9);
	CHECK_EQ(tag_at(p + 7 * PAGE), 1);
	struct range r;

	CHECK(!range_set_first(ledger_program(ledger), p + 4 * PAGE, p + 5 * PAGE, &r));
}

CHILD_TEST(what_is_disowned_is_the_allocators)
{
	ledger_setup();
	ledger_start();
	struct ledger_counts start = *ledger_now(ledger);
	uintptr_t p = map_by_program(1, 10, RW);

	CHECK_EQ(BY_PROGRAM(1, SYS_munmap, p + 4 * PAGE, PAGE), 0);
	CHECK_EQ(ledger_disown(ledger, p + 3 * PAGE, p + 7 * PAGE), 0);
	CHECK_BY(&start, CALLER_PROGRAM, 2, 6);
	CHECK_BY(&start, CALLER_ALLOCATOR, 2, 3);
	CHECK_EQ(ledger_disown(ledger, p, p + 10 * PAGE), 0);
	CHECK_BY(&start, CALLER_PROGRAM, 0, 0);
	CHECK_BY(&start, CALLER_ALLOCATOR, 2, 9);
}

static void check_in_fork(void (*body)(uintptr_t), uintptr_t p)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQ(accounts_after_fork(acc), 0);
		CHECK_EQ(ledger_after_fork(ledger), 0);
		body(p);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
}

static void check_dontfork(uintptr_t p)
{
	check_slot(p, 2, 1);
	CHECK(!is_programs(p + 2 * PAGE, 2));
	check_slot(p + 4 * PAGE, 2, 1);
	if (!ledger_is_exact(ledger))
		return;
	CHECK_EQ(ledger_now(ledger)->mapped_by[CALLER_PROGRAM], 4 * PAGE);
	check_now();
	map_by_allocator(3, RW);
	check_now();
}

CHILD_TEST(a_fork_child_lacks_what_is_not_copied)
{
	ledger_setup();
	ledger_start();
	uintptr_t p = map_by_program(1, 6, RW), q = map_by_allocator(4, PROT_READ);

	CHECK_EQ(BY_PROGRAM(1, SYS_madvise, p + 2 * PAGE, 2 * PAGE, MADV_DONTFORK), 0);
	CHECK_EQ(BY_ALLOCATOR(SYS_madvise, q, 4 * PAGE, MADV_DONTFORK), 0);
	check_in_fork(check_dontfork, p);
	check_slot(p, 6, 1);
	CHECK_DRIFT(0, 0, 0);
}

CHILD_TEST(a_closed_descriptor_is_opened_again)
{
	ledger_setup();
	ledger_start();
	uintptr_t p = map_by_allocator(4, RW);

	close(acc->fd[PROC_MAPS]);
	CHECK_EQ(BY_ALLOCATOR(SYS_munmap, p + PAGE, PAGE), 0);
	CHECK(ledger_is_exact(ledger));
	check_now();
}

/* As on a kernel without the ioctl: another file's descriptor refuses it. */
CHILD_TEST(without_the_ioctl_the_programs_ranges_are_kept)
{
	struct ledger_drift drift;
	uintptr_t from = 0;
	bool exact = true;

	ledger_setup();
	int fd = acc->fd[PROC_MAPS];

	acc->fd[PROC_MAPS] = memfd_create("test", MFD_CLOEXEC);
	CHECK_EQ(ledger_begin(ledger, &exact), 0);
	CHECK(!exact && !ledger_is_exact(ledger));
	uintptr_t p = map_by_program(1, 7, RW);

	CHECK_EQ(BY_PROGRAM(1, SYS_mremap, p, 7 * PAGE, 6 * PAGE, 0, 0), p);
	CHECK(!is_programs(p + 6 * PAGE, 1));
	uintptr_t q =
		(uintptr_t)BY_PROGRAM(1, SYS_mremap, p, 6 * PAGE, 9 * PAGE, MREMAP_MAYMOVE, 0);

	if (q != p)
		CHECK(!is_programs(p, 6) || q < p + 6 * PAGE);
	check_slot(q, 9, 1);
	CHECK_EQ(BY_ALLOCATOR(SYS_mmap, q + 6 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1u, 0),
		 q + 6 * PAGE);
	CHECK_EQ(BY_PROGRAM(1, SYS_munmap, q + 7 * PAGE, 2 * PAGE), 0);
	CHECK(!is_programs(q + 6 * PAGE, 3));
	CHECK_EQ(range_set_count(ledger->allocator), 0);
	CHECK_EQ(ledger_maps_over(ledger, q, q + PAGE, &from), 0);
	CHECK_EQ(madvise((void *)(q + 2 * PAGE), 2 * PAGE, MADV_DONTFORK), 0);
	acc->fd[PROC_MAPS] = fd;
	check_in_fork(check_dontfork, q);
	CHECK_EQ(ledger_reconcile(ledger, &drift), 0);
	CHECK_EQ(drift.vmas, 0);
}

CHILD_TEST(a_full_set_ends_exactness_and_says_so)
{
	struct ledger_options o = {.program_ranges = 2};
	struct kernel_call c = {.nr = SYS_mmap, .caller = CALLER_PROGRAM};
	struct effect e;
	bool exact;

	CHECK_EQ(arena_init(&arena, accounts_arena_bytes() + ledger_arena_bytes(&o)), 0);
	CHECK_EQ(accounts_new(&arena, &acc), 0);
	o.accounts = acc;
	CHECK_EQ(ledger_new(&arena, &o, &ledger), 0);
	ledger_start();
	map_by_program(1, 1, RW);
	map_by_program(2, 1, RW);
	c.arg[1] = PAGE;
	c.arg[3] = ANON;
	make_call(&c);
	effect_of(&c, PAGE, &e);
	CHECK_EQ(ledger_apply(ledger, &c, &e, 3), -ENOSPC);
	CHECK(!ledger_is_exact(ledger));
	CHECK_EQ(range_set_count(ledger_program(ledger)), 2);
	CHECK_EQ(ledger_begin(ledger, &exact), 0); /* from the beginning it is right again */
	CHECK(exact);
	check_now();
}

CHILD_TEST(a_small_arena_is_refused)
{
	struct ledger_options o = {.program_ranges = 100};

	for (size_t bytes = PAGE; bytes < ledger_arena_bytes(&o); bytes *= 2) {
		CHECK_EQ(arena_init(&arena, bytes), 0);
		CHECK_EQ(ledger_new(&arena, &o, &ledger), -ENOMEM);
		arena_release(&arena);
	}
	CHECK(!ledger);
}

/* The heap is one VMA with the .bss below it where addresses are not randomised. */
CHILD_TEST(the_break_moves_up_and_down)
{
	ledger_setup();
	uintptr_t end = (uintptr_t)syscall(SYS_brk, 0), up = (end + PAGE - 1) & -PAGE;

	ledger_start();
	struct ledger_counts start = *ledger_now(ledger);
	int64_t had = start.maps_by[CALLER_ALLOCATOR];

	CHECK_EQ(BY_ALLOCATOR(SYS_brk, up + 10 * PAGE - 7), up + 10 * PAGE - 7);
	CHECK_EQ(ledger_now(ledger)->mapped_bytes - start.mapped_bytes, 10 * PAGE);
	check_now();
	CHECK_EQ(BY_ALLOCATOR(SYS_mprotect, up + 3 * PAGE, PAGE, PROT_NONE), 0);
	CHECK_EQ(BY_PROGRAM(2, SYS_brk, up + 12 * PAGE), up + 12 * PAGE);
	check_slot(up + 10 * PAGE, 2, 2);
	check_now();
	CHECK_EQ(BY_ALLOCATOR(SYS_brk, up + 2 * PAGE), up + 2 * PAGE);
	check_now();
	CHECK(!is_programs(up, 12));
	CHECK_EQ(BY_ALLOCATOR(SYS_brk, end), end);
	check_now();
	CHECK_EQ(ledger_now(ledger)->mapped_bytes, start.mapped_bytes);
	CHECK_EQ(ledger_now(ledger)->maps_by[CALLER_ALLOCATOR], had);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vma_counts_for_each_owner_and_once_in_all),
		cmocka_unit_test(each_member_of_the_peak_is_its_own_highest),
		cmocka_unit_test(resident_bytes_are_of_the_allocators_ranges_alone),
		cmocka_unit_test(neighbours_of_the_allocator_take_one_range),
		cmocka_unit_test(an_injected_refusal_changes_nothing),
		cmocka_unit_test(what_is_excluded_counts_for_nobody),
		cmocka_unit_test(mremap_takes_owners_along),
		cmocka_unit_test(mremap_of_several_vmas_leaves_the_place_of_holes),
		cmocka_unit_test(drift_is_what_nobody_told),
		cmocka_unit_test(a_call_beside_an_untold_change_corrects_it),
		cmocka_unit_test(a_stack_that_grows_is_no_drift),
		cmocka_unit_test(changes_of_what_is_excluded_are_no_drift),
		cmocka_unit_test(counts_maps_over_ascending_ranges_once),
		cmocka_unit_test(sees_what_lies_beside_a_range),
		cmocka_unit_test(what_was_moved_is_another_slots),
		cmocka_unit_test(what_is_disowned_is_the_allocators),
		cmocka_unit_test(a_fork_child_lacks_what_is_not_copied),
		cmocka_unit_test(a_closed_descriptor_is_opened_again),
		cmocka_unit_test(without_the_ioctl_the_programs_ranges_are_kept),
		cmocka_unit_test(a_full_set_ends_exactness_and_says_so),
		cmocka_unit_test(a_small_arena_is_refused),
		cmocka_unit_test(the_break_moves_up_and_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
