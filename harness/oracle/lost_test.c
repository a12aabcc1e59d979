#include "harness/oracle/lost_testing.h"

#include <stdio.h>

/* The pieces that are outstanding as first page + pages, with a p where it is a purge. */
static void assert_outstanding(struct fixture *f, const char *want)
{
	char text[256] = "";
	struct lost_range r;
	size_t len = 0;

	for (uintptr_t at = 0; lost_next(f->l, at, &r) && len < sizeof(text); at = r.end)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%lu+%lu%s",
					len ? " " : "", (r.start - BASE) / PAGE,
					(r.end - r.start) / PAGE, r.purge ? "p" : "");
	assert_string_equal(text, want);
	assert_int_equal(lost_any(f->l), len != 0);
}

static void assert_settled(struct fixture *f)
{
	assert_outstanding(f, "");
}

/* Measures all pieces as mapped whole and resident but for one page, and judges. */
static void judge(struct fixture *f)
{
	struct lost_range r;

	memset(&f->sink, 0, sizeof(f->sink));
	for (uintptr_t at = 0; lost_next(f->l, at, &r); at = r.end) {
		uint64_t resident = r.end - r.start - PAGE;
		struct lost_piece p = {.record = r.record,
				       .bytes = r.purge ? resident : r.end - r.start,
				       .resident_bytes = resident,
				       .maps = 1};

		lost_measured(f->l, &p);
	}
	lost_judge(f->l, &f->sink);
}

static void what_is_refused_is_outstanding_until_it_is_given_back(void **state)
{
	struct fixture *f = *state;

	assert_settled(f);
	unmap(f, pages(10, 4), ENOMEM);
	assert_outstanding(f, "10+4");
	unmap(f, pages(12, 1), 0);
	assert_outstanding(f, "10+2 13+1");
	unmap(f, pages(0, 11), 0);
	assert_outstanding(f, "11+1 13+1");
	unmap(f, pages(0, 100), 0);
	assert_settled(f);
	assert_int_equal(lost_forgotten(f->l), 0);
}

static void what_is_no_refusal_is_not_recorded(void **state)
{
	struct fixture *f = *state;
	struct kernel_call c = {.nr = SYS_munmap, .err = ENOMEM, .caller = CALLER_PROGRAM};
	struct effect e = {.back = pages(0, 4)};

	call(f, &c, &e);
	unmap(f, pages(10, 4), EINVAL);
	unmap(f, pages(10, 0), ENOMEM);
	/* It asked for memory. */
	c = (struct kernel_call){.nr = SYS_mmap, .err = ENOMEM};
	e = (struct effect){.takes = true};
	call(f, &c, &e);
	assert_settled(f);
	c = (struct kernel_call){.nr = SYS_munmap, .err = EINVAL, .injected = true};
	e = (struct effect){.back = pages(0, 4)};
	call(f, &c, &e);
	assert_outstanding(f, "0+4");
	/* Nor does the program give back what is the allocator's. */
	c = (struct kernel_call){.nr = SYS_munmap, .caller = CALLER_PROGRAM};
	e = (struct effect){.back = pages(0, 4), .gone = pages(0, 4)};
	call(f, &c, &e);
	assert_outstanding(f, "0+4");
}

static void what_is_mapped_over_or_moved_is_settled(void **state)
{
	struct fixture *f = *state;
	struct kernel_call c = {.nr = SYS_mmap};
	struct effect e = {.fresh = pages(10, 2)};

	unmap(f, pages(10, 20), ENOMEM);
	call(f, &c, &e);
	assert_outstanding(f, "12+18");
	c.nr = SYS_mremap;
	e = (struct effect){.from = pages(12, 3), .to = pages(50, 3), .gone = pages(12, 3)};
	call(f, &c, &e);
	assert_outstanding(f, "15+15");
	e = (struct effect){.from = pages(60, 2), .to = pages(16, 2)};
	call(f, &c, &e);
	assert_outstanding(f, "15+1 18+12");
	/* In place it is not given back, and with MREMAP_DONTUNMAP the mapping stays. */
	e = (struct effect){.from = pages(18, 2), .to = pages(18, 4)};
	call(f, &c, &e);
	e = (struct effect){.from = pages(18, 2), .to = pages(50, 4), .keeps_from = true};
	call(f, &c, &e);
	assert_outstanding(f, "15+1 18+12");
}

static void a_purge_settles_purges_only(void **state)
{
	struct fixture *f = *state;
	struct kernel_call fixed = {.nr = SYS_mmap};
	struct effect none = {
		.back = pages(0, 30), .purge = true, .gone = pages(0, 30), .fresh = pages(0, 30)};

	unmap(f, pages(10, 4), ENOMEM);
	purge(f, pages(20, 4), ENOMEM);
	assert_outstanding(f, "10+4 20+4p");
	purge(f, pages(0, 22), 0);
	assert_outstanding(f, "10+4 22+2p");
	/* Mapped over without access: the map is still there. */
	call(f, &fixed, &none);
	assert_outstanding(f, "10+4");
	purge(f, pages(20, 4), ENOMEM);
	unmap(f, pages(8, 14), 0);
	assert_outstanding(f, "22+2p");
}

static void the_first_refusal_of_an_address_wins(void **state)
{
	struct fixture *f = *state;

	unmap(f, pages(10, 4), ENOMEM);
	f->stmt = 4;
	unmap(f, pages(8, 8), ENOMEM);
	assert_outstanding(f, "8+2 10+4 14+2");
	/* Its pages alone could not be given back either: nothing new. */
	purge(f, pages(9, 9), ENOMEM);
	assert_outstanding(f, "8+2 10+4 14+2 16+2p");
	/* To lose the mapping is more than to lose its pages. */
	unmap(f, pages(17, 5), ENOMEM);
	assert_outstanding(f, "8+2 10+4 14+2 16+1p 17+5");
	judge(f);
	assert_int_equal(f->sink.n, 2);
	assert_int_equal(f->sink.v[0].stmt, 3);
	assert_int_equal(f->sink.v[0].n[2], 4 * PAGE);
	assert_int_equal(f->sink.v[1].stmt, 4);
	assert_int_equal(f->sink.v[1].n[2], 9 * PAGE);
}

static void a_block_in_a_range_settles_all_of_it(void **state)
{
	struct fixture *f = *state;

	unmap(f, pages(10, 8), ENOMEM);
	unmap(f, pages(12, 1), 0);
	unmap(f, pages(14, 1), 0);
	purge(f, pages(20, 8), ENOMEM);
	unmap(f, pages(30, 4), ENOMEM);
	lost_handed_out(f->l, BASE, 10 * PAGE);
	lost_handed_out(f->l, BASE + 18 * PAGE, 2 * PAGE);
	lost_handed_out(f->l, BASE + 14 * PAGE, PAGE); /* given back: it is not the range's */
	assert_outstanding(f, "10+2 13+1 15+3 20+8p 30+4");
	lost_handed_out(f->l, BASE + 13 * PAGE + 16, 0);
	assert_outstanding(f, "20+8p 30+4");
	lost_handed_out(f->l, BASE + 28 * PAGE - 1, 2 * PAGE + 2);
	assert_settled(f);
	unmap(f, pages(10, 8), ENOMEM);
	lost_handed_out(f->l, BASE, UINT64_MAX);
	assert_settled(f);
	lost_handed_out(f->l, UINTPTR_MAX, 1);
}

static void a_retry_only_counts(void **state)
{
	struct fixture *f = *state;
	struct kernel_call c = {.nr = SYS_munmap, .err = ENOMEM, .injected = true};
	struct effect e = {.back = pages(10, 4)};

	unmap(f, pages(10, 4), ENOMEM);
	for (int32_t i = 0; i < 5; i++) {
		f->stmt = 3 + i % 2; /* also from another op */
		call(f, &c, &e);
	}
	unmap(f, pages(11, 1), ENOMEM);
	/* Other calls: not counted. */
	purge(f, pages(11, 1), ENOMEM);
	c.nr = SYS_mremap;
	call(f, &c, &e);
	assert_outstanding(f, "10+4");
	judge(f);
	assert_int_equal(f->sink.n, 1);
	assert_int_equal(f->sink.v[0].stmt, 3);
	assert_int_equal(f->sink.v[0].count, 7);
	assert_int_equal(f->sink.v[0].n[0] >> 32, 5);
	assert_int_equal(f->sink.v[0].n[1], 1);
}

/* Asked for again in one call, the parts become one range. */
static void what_is_joined_keeps_its_first_op(void **state)
{
	struct fixture *f = *state;

	unmap(f, pages(12, 2), ENOMEM);
	unmap(f, pages(10, 2), ENOMEM);
	unmap(f, pages(8, 8), ENOMEM);
	assert_outstanding(f, "8+8");
	judge(f);
	assert_int_equal(f->sink.n, 1);
	assert_int_equal(f->sink.v[0].iteration, 0);
	assert_int_equal(f->sink.v[0].count, 3);
	lost_handed_out(f->l, BASE + 15 * PAGE, 1);
	assert_settled(f);
}

static void a_closed_record_takes_no_more(void **state)
{
	struct fixture *f = *state;

	unmap(f, pages(10, 4), ENOMEM);
	lost_close(f->l);
	unmap(f, pages(20, 4), ENOMEM);
	unmap(f, pages(10, 1), 0);
	assert_outstanding(f, "11+3");
	lost_handed_out(f->l, BASE + 11 * PAGE, 1);
	assert_settled(f);
	judge(f);
	assert_int_equal(f->sink.n, 0);
}

static void what_was_lost_is_added_up_by_op_and_call(void **state)
{
	struct fixture *f = *state;
	struct kernel_call c = {.nr = SYS_mremap, .err = ENOMEM};
	struct effect e = {.back = pages(40, 2)};

	/* The later op first in memory: findings come in the order of the refusals. */
	unmap(f, pages(25, 3), ENOMEM);
	f->stmt = 9;
	unmap(f, pages(10, 4), EAGAIN);
	f->stmt = 3;
	unmap(f, pages(20, 3), ENOMEM);
	call(f, &c, &e);
	purge(f, pages(50, 4), ENOMEM);
	judge(f);
	assert_int_equal(f->sink.n, 4);
	const struct finding *v = f->sink.v;

	assert_int_equal(v[0].kind, FINDING_LOST_MAPPING);
	assert_int_equal(v[0].rule, RULE_LOST_MAPPING);
	assert_int_equal(v[0].stmt, 3);
	assert_int_equal(v[0].op_code, OP_FREE);
	assert_int_equal(v[0].slot, 7);
	assert_int_equal(v[0].has_slot, SPACE_BLOCK);
	assert_int_equal(v[0].iteration, 0);
	assert_int_equal(v[0].thread, 1);
	assert_int_equal(v[0].in_fork, 1);
	assert_int_equal(v[0].count, 2);
	const uint64_t n[6] = {SYS_munmap, 2, 6 * PAGE, 4 * PAGE, 2, BASE + 20 * PAGE};

	assert_memory_equal(v[0].n, n, sizeof(n));
	assert_int_equal(v[1].stmt, 9);
	assert_int_equal((uint32_t)v[2].n[0], SYS_mremap);
	assert_int_equal(v[2].stmt, 3);
	assert_int_equal(v[3].kind, FINDING_LOST_MAPPING);
	assert_int_equal(v[3].rule, RULE_LOST_PAGES);
	assert_int_equal(v[3].n[2], 3 * PAGE);
	/* Measured and judged again it is the same, and not twice as much. */
	judge(f);
	assert_int_equal(f->sink.n, 4);
	assert_memory_equal(f->sink.v[0].n, n, sizeof(n));
}

static void one_unknown_number_of_maps_makes_the_sum_unknown(void **state)
{
	struct fixture *f = *state;
	struct lost_range r;

	unmap(f, pages(10, 1), ENOMEM);
	unmap(f, pages(20, 1), ENOMEM);
	unmap(f, pages(30, 1), ENOMEM);
	for (uintptr_t at = 0; lost_next(f->l, at, &r); at = r.end) {
		bool second = r.start == BASE + 20 * PAGE;
		struct lost_piece piece = {r.record, PAGE, 0, second ? LOST_MAPS_UNKNOWN : 1};

		lost_measured(f->l, &piece);
	}
	lost_judge(f->l, &f->sink);
	assert_int_equal(f->sink.n, 1);
	assert_int_equal(f->sink.v[0].n[2], 3 * PAGE);
	assert_true(f->sink.v[0].n[4] == LOST_MAPS_UNKNOWN);
}

static void what_is_not_there_any_more_is_not_lost(void **state)
{
	struct fixture *f = *state;

	purge(f, pages(10, 1), ENOMEM); /* judge() has one page less resident */
	judge(f);
	assert_int_equal(f->sink.n, 0);
	purge(f, pages(20, 2), ENOMEM);
	judge(f);
	assert_int_equal(f->sink.n, 1);
	assert_int_equal(f->sink.v[0].count, 1);
	assert_int_equal(f->sink.v[0].n[1], 1);
	purge(f, pages(30, 6), ENOMEM);
	purge(f, pages(32, 1), 0);
	purge(f, pages(34, 1), 0); /* of 30 to 36 two pieces have a page, and one has two */
	judge(f);
	assert_int_equal(f->sink.v[0].count, 2);
	assert_int_equal(f->sink.v[0].n[1], 2);
	assert_int_equal(f->sink.v[0].n[5], BASE + 20 * PAGE);
}

static void what_finds_no_room_is_counted(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 2);
	for (unsigned i = 0; i < 5; i++)
		unmap(&f, pages(i * 10, 5), ENOMEM);
	assert_outstanding(&f, "0+5 10+5");
	assert_int_equal(lost_forgotten(f.l), 3);
	unmap(&f, pages(0, 5), ENOMEM); /* nothing new: nothing forgotten */
	assert_int_equal(lost_forgotten(f.l), 3);
	/* Cut in as many pieces as fit; what does not is not judged. */
	unmap(&f, pages(1, 1), 0);
	unmap(&f, pages(3, 1), 0);
	assert_outstanding(&f, "0+1 2+1 4+1 10+5");
	unmap(&f, pages(12, 1), 0);
	assert_outstanding(&f, "0+1 2+1 4+1");
	assert_int_equal(lost_forgotten(f.l), 4);
	/* No room for pieces, but for a record: that stays free. */
	unmap(&f, pages(0, 9), ENOMEM);
	for (unsigned i = 1; i < 7; i += 2)
		unmap(&f, pages(i, 1), 0);
	assert_outstanding(&f, "0+1 2+1 4+1 6+3");
	unmap(&f, pages(20, 5), ENOMEM);
	unmap(&f, pages(30, 5), ENOMEM);
	assert_int_equal(lost_forgotten(f.l), 6);
	lost_handed_out(f.l, BASE, PAGE);
	unmap(&f, pages(0, 5), ENOMEM);
	unmap(&f, pages(20, 5), ENOMEM);
	assert_outstanding(&f, "0+5 20+5");
	lost_handed_out(f.l, BASE + 20 * PAGE, 1);
	/* Settled ones make room again, as often as one likes. */
	for (unsigned i = 0; i < 1000; i++) {
		lost_handed_out(f.l, BASE, 5 * PAGE);
		unmap(&f, pages(0, 5), ENOMEM);
		unmap(&f, pages(1, 1), 0);
	}
	assert_int_equal(lost_forgotten(f.l), 6);
	arena_release(&f.arena);
	begin(&f, 0);
	unmap(&f, pages(0, 5), ENOMEM);
	assert_int_equal(lost_forgotten(f.l), 1);
	assert_settled(&f);
	arena_release(&f.arena);
}

/* More ops than a sink holds: the rest is dropped, and counted. */
static void more_sums_than_findings_are_dropped(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 200);
	for (unsigned i = 0; i < FINDING_MAX + 10; i++) {
		f.stmt = (int32_t)i;
		unmap(&f, pages(i * 4, 2), ENOMEM);
	}
	judge(&f);
	assert_int_equal(f.sink.n, FINDING_MAX);
	assert_int_equal(f.sink.dropped, 10);
	arena_release(&f.arena);
}

/*
 * An allocator that joins what it could not give back, and tries again with all of it: 100,000
 * refusals must not look at 100,000 pieces each (that took minutes).
 */
static void ranges_that_grow_are_one_piece(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 1000);
	for (unsigned i = 1; i <= 100000; i++)
		unmap(&f, pages(0, i), ENOMEM);
	assert_outstanding(&f, "0+100000");
	/* The other way: each is joined with what lies behind it. */
	for (unsigned i = 1; i <= 100000; i++)
		unmap(&f, pages(300000 - i, i), ENOMEM);
	assert_outstanding(&f, "0+100000 200000+100000");
	judge(&f);
	assert_int_equal(f.sink.n, 1);
	assert_int_equal(f.sink.v[0].count, 200000);
	assert_int_equal(f.sink.v[0].n[1], 2);
	lost_handed_out(f.l, BASE, 1);
	assert_outstanding(&f, "200000+100000");
	arena_release(&f.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_is_refused_is_outstanding_until_it_is_given_back, start, end),
		cmocka_unit_test_setup_teardown(what_is_no_refusal_is_not_recorded, start, end),
		cmocka_unit_test_setup_teardown(what_is_mapped_over_or_moved_is_settled, start,
						end),
		cmocka_unit_test_setup_teardown(a_purge_settles_purges_only, start, end),
		cmocka_unit_test_setup_teardown(the_first_refusal_of_an_address_wins, start, end),
		cmocka_unit_test_setup_teardown(a_block_in_a_range_settles_all_of_it, start, end),
		cmocka_unit_test_setup_teardown(a_retry_only_counts, start, end),
		cmocka_unit_test_setup_teardown(what_is_joined_keeps_its_first_op, start, end),
		cmocka_unit_test_setup_teardown(a_closed_record_takes_no_more, start, end),
		cmocka_unit_test_setup_teardown(what_was_lost_is_added_up_by_op_and_call, start,
						end),
		cmocka_unit_test_setup_teardown(one_unknown_number_of_maps_makes_the_sum_unknown,
						start, end),
		cmocka_unit_test_setup_teardown(what_is_not_there_any_more_is_not_lost, start, end),
		cmocka_unit_test(what_finds_no_room_is_counted),
		cmocka_unit_test(more_sums_than_findings_are_dropped),
		cmocka_unit_test(ranges_that_grow_are_one_piece),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
