/* Each rule of the page model, with calls whose results are made up. */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>

#include "harness/oracle/pages_testing.h"

static void rules_have_names(void **state)
{
	(void)state;
	assert_null(pages_rule_name(PAGES_ALL_RIGHT));
	assert_null(pages_rule_name(PAGES_RULES));
	for (unsigned i = PAGES_ALL_RIGHT + 1; i < PAGES_RULES; i++) {
		assert_non_null(pages_rule_name(i));
		assert_int_equal(pages_rule_by_name(pages_rule_name(i)), i);
	}
	assert_int_equal(pages_rule_by_name("dontneed"), -ENOENT);
}

static void fresh_pages_read_zero_and_cost_nothing(void **state)
{
	struct stage s;

	(void)state;
	open_kernel_stage(&s);
	map(&s, 0, 8, RW, ANON);
	assert_can(&s, 0, PAGE_WRITES);
	assert_can(&s, 8, PAGE_FAULTS);
	assert_int_equal(look(&s, 0).end, at(&s, 8));
	access_pages(&s, PAGES_CHECK, 0, 8);
	assert_resident(&s, 0, 0);
	touch(&s, 2, 3);
	assert_resident(&s, 3, 3);
	assert_word(&s, 3, word_at(&s, 3));
	assert_word(&s, 5, 0);
	assert_int_not_equal(word_at(&s, 3), word_at(&s, 4));
	access_pages(&s, PAGES_CHECK, 0, 8);
	assert_int_equal(s.sink.n, 0);
	close_stage(&s);
}

static void what_is_wrong_is_said_once(void **state)
{
	struct stage s;

	(void)state;
	open_kernel_stage(&s);
	map(&s, 0, 8, RW, ANON);
	touch(&s, 0, 4);
	uint64_t right = word_at(&s, 1);

	*(uint64_t *)at(&s, 1) = 77;
	access_pages(&s, PAGES_CHECK, 0, 8);
	assert_finding(&s, FINDING_LOST_CONTENT, RULE_CONTENT_MAPPING);
	assert_int_equal(s.sink.v[0].n[0], at(&s, 1));
	assert_int_equal(s.sink.v[0].n[2], right);
	assert_int_equal(s.sink.v[0].n[4], 77);
	access_pages(&s, PAGES_CHECK, 0, 8);
	assert_int_equal(s.sink.v[0].count, 1);
	/* Touched, it is known again. */
	touch(&s, 1, 1);
	assert_word(&s, 1, word_at(&s, 1));
	close_stage(&s);
}

static void the_rest_of_a_page_is_looked_at(void **state)
{
	struct stage s;

	(void)state;
	open_kernel_stage(&s);
	map(&s, 0, 8, RW, ANON);
	*(unsigned char *)(at(&s, 6) + 1003) = 9;
	access_pages(&s, PAGES_CHECK, 0, 8);
	assert_finding(&s, FINDING_DIRTY_ZERO, RULE_ZERO_MAPPING);
	assert_int_equal(s.sink.v[0].n[0], at(&s, 6));
	assert_int_equal(s.sink.v[0].n[1], 1003);
	assert_int_equal(s.sink.v[0].n[2], 9);
	close_stage(&s);
}

static void add_counts_on(void **state)
{
	struct stage s;

	(void)state;
	open_kernel_stage(&s);
	map(&s, 0, 4, RW, ANON);
	access_pages(&s, PAGES_ADD, 0, 4);
	access_pages(&s, PAGES_ADD, 1, 1);
	assert_word(&s, 0, 5);
	assert_word(&s, 1, 10);
	assert_resident(&s, 4, 4);
	*(uint64_t *)at(&s, 2) = 6;
	access_pages(&s, PAGES_ADD, 0, 4);
	assert_finding(&s, FINDING_LOST_CONTENT, RULE_CONTENT_MAPPING);
	assert_word(&s, 3, 10);
	close_stage(&s);
}

static void faults_are_judged(void **state)
{
	struct stage s;
	struct page_access a;

	(void)state;
	open_kernel_stage(&s);
	map(&s, 0, 4, RW, ANON);
	touch(&s, 0, 2);
	/* The walk tests let pages fault for real; here the access ends as a fault would end it. */
	a = (struct page_access){PAGES_CHECK, at(&s, 0), at(&s, 4), 0};
	assert_int_equal(pages_access(s.pages, &a, &s.event, &s.sink), 0);
	pages_access_faulted(s.pages, at(&s, 2), SIGSEGV, &s.event, &s.sink);
	assert_int_equal(s.sink.n, 0); /* no access was under way */
	map(&s, 4, 1, PROT_NONE, ANON);
	a = (struct page_access){PAGES_CHECK, at(&s, 4), at(&s, 5), 0};
	assert_int_equal(pages_access(s.pages, &a, &s.event, &s.sink), 0);
	assert_finding(&s, FINDING_WRONG_ACCESS, RULE_ACCESS_GRANTED);
	assert_can(&s, 4, PAGE_UNKNOWN);
	close_stage(&s);
}

/* Where an allocator is the subject, what may not be accessed is not its business. */
static void of_an_allocator_no_access_is_wrong(void **state)
{
	struct stage s;

	(void)state;
	open_stage(&s, (struct pages_options){.kernel = false});
	map(&s, 4, 1, PROT_NONE, ANON);
	access_pages(&s, PAGES_CHECK, 4, 1);
	assert_int_equal(s.sink.n, 0);
	close_stage(&s);
}

static void unmapping_rounds_up(void **state)
{
	struct stage s;

	(void)state;
	open_kernel_stage(&s);
	map(&s, 0, 8, RW, ANON);
	touch(&s, 0, 8);
	unmap(&s, 2, 1);
	assert_can(&s, 1, PAGE_WRITES);
	assert_can(&s, 2, PAGE_FAULTS);
	assert_false(look(&s, 2).mapped);
	assert_can(&s, 3, PAGE_WRITES);
	assert_resident(&s, 7, 7);
	follow(&s, (struct made){.nr = SYS_munmap, .err = EINVAL},
	       (uint64_t[6]){at(&s, 4) + 1, s.page});
	assert_can(&s, 4, PAGE_WRITES);
	close_stage(&s);
}

static void protecting_stops_at_a_hole(void **state)
{
	struct stage s;

	(void)state;
	open_kernel_stage(&s);
	map(&s, 0, 2, RW, ANON);
	map(&s, 3, 2, RW, ANON);
	follow(&s, (struct made){.nr = SYS_mprotect, .err = ENOMEM},
	       (uint64_t[6]){at(&s, 0), 5 * s.page, PROT_READ});
	assert_can(&s, 1, PAGE_READS);
	assert_can(&s, 3, PAGE_WRITES);
	/* Near the limit it may have been refused for that, before the hole. */
	follow(&s, (struct made){.nr = SYS_mprotect, .err = ENOMEM, .at_limit = true},
	       (uint64_t[6]){at(&s, 0), 5 * s.page, PROT_NONE});
	assert_can(&s, 1, PAGE_UNKNOWN);
	assert_can(&s, 3, PAGE_WRITES);
	follow(&s, (struct made){.nr = SYS_mprotect},
	       (uint64_t[6]){at(&s, 0), 2 * s.page, PROT_NONE});
	assert_can(&s, 1, PAGE_FAULTS);
	close_stage(&s);
}

static void advice_passes_holes_and_stops_at_refusals(void **state)
{
	struct stage s;

	(void)state;
	open_kernel_stage(&s);
	map(&s, 0, 2, RW, ANON);
	map(&s, 3, 2, RW, ANON);
	touch(&s, 0, 2);
	touch(&s, 3, 2);
	advise(&s, 0, 5, MADV_DONTNEED, ENOMEM);
	assert_word(&s, 1, 0);
	assert_word(&s, 4, 0);
	assert_resident(&s, 0, 0);
	touch(&s, 0, 2);
	touch(&s, 3, 2);
	follow(&s, (struct made){.nr = SYS_mlock}, (uint64_t[6]){at(&s, 4), s.page});
	advise(&s, 0, 5, MADV_DONTNEED, EINVAL);
	assert_word(&s, 1, 0);
	assert_word(&s, 3, 0);
	assert_int_not_equal(look(&s, 4).word[0], 0);
	assert_resident(&s, 1, 1);
	close_stage(&s);
}

static void a_page_let_go_may_be_kept_or_not(void **state)
{
	struct stage s;

	(void)state;
	open_kernel_stage(&s);
	map(&s, 0, 4, RW, ANON);
	touch(&s, 0, 2);
	advise(&s, 0, 4, MADV_FREE, 0);
	assert_int_equal(look(&s, 0).word[0], word_at(&s, 0));
	assert_int_equal(look(&s, 0).word[1], 0);
	assert_resident(&s, 0, 2);
	*(uint64_t *)at(&s, 0) = 0;
	access_pages(&s, PAGES_CHECK, 0, 2);
	assert_word(&s, 0, 0);
	/* What is added settles it. */
	access_pages(&s, PAGES_ADD, 0, 2);
	assert_word(&s, 0, 5);
	assert_word(&s, 1, word_at(&s, 1));
	assert_resident(&s, 2, 2);
	assert_int_equal(s.sink.n, 0);
	close_stage(&s);
}

static void moving_keeps_what_was_there(void **state)
{
	struct stage s;

	(void)state;
	open_kernel_stage(&s);
	map(&s, 0, 4, RW, ANON);
	touch(&s, 0, 4);
	uint64_t words[] = {word_at(&s, 0), word_at(&s, 3)};

	move(&s, 0, 4, 10, 6, MREMAP_MAYMOVE);
	assert_can(&s, 0, PAGE_FAULTS);
	assert_word(&s, 10, words[0]);
	assert_word(&s, 13, words[1]);
	assert_word(&s, 14, 0);
	assert_can(&s, 15, PAGE_WRITES);
	assert_can(&s, 16, PAGE_FAULTS);
	move(&s, 10, 6, 10, 1, 0);
	assert_word(&s, 10, words[0]);
	assert_can(&s, 11, PAGE_FAULTS);
	assert_resident(&s, 1, 1);
	close_stage(&s);
}

static void dontunmap_leaves_the_source(void **state)
{
	struct stage s;

	(void)state;
	open_kernel_stage(&s);
	map(&s, 0, 2, RW, ANON);
	touch(&s, 0, 2);
	uint64_t word = word_at(&s, 1);

	move(&s, 0, 2, 20, 2, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	assert_word(&s, 1, 0);
	assert_can(&s, 1, PAGE_WRITES);
	assert_word(&s, 21, word);
	/* Shared, the source shows the object as before. */
	map(&s, 4, 2, RW, MAP_SHARED | MAP_ANONYMOUS);
	touch(&s, 4, 2);
	word = word_at(&s, 5);
	move(&s, 4, 2, 30, 2, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	assert_word(&s, 5, word);
	assert_word(&s, 31, word);
	close_stage(&s);
}

static void guards_stop_accesses_and_drop_content(void **state)
{
	struct stage s;

	(void)state;
	open_kernel_stage(&s);
	map(&s, 0, 4, RW, ANON);
	touch(&s, 0, 4);
	advise(&s, 1, 2, MADV_GUARD_INSTALL, 0);
	assert_can(&s, 1, PAGE_FAULTS);
	assert_true(look(&s, 1).mapped);
	assert_resident(&s, 2, 2);
	advise(&s, 0, 4, MADV_DONTNEED, 0);
	assert_can(&s, 1, PAGE_FAULTS);
	advise(&s, 0, 4, MADV_GUARD_REMOVE, 0);
	assert_word(&s, 1, 0);
	assert_can(&s, 1, PAGE_WRITES);
	close_stage(&s);
}

static void locking_populates(void **state)
{
	struct stage s;

	(void)state;
	open_kernel_stage(&s);
	map(&s, 0, 4, RW, ANON);
	map(&s, 4, 4, PROT_READ, ANON);
	map(&s, 8, 4, PROT_NONE, ANON);
	follow(&s, (struct made){.nr = SYS_mlock}, (uint64_t[6]){at(&s, 0), 8 * s.page});
	assert_resident(&s, 4, 4);
	/* Refused, it may have locked and populated. */
	follow(&s, (struct made){.nr = SYS_mprotect}, (uint64_t[6]){at(&s, 4), s.page, RW});
	assert_resident(&s, 5, 5);
	follow(&s, (struct made){.nr = SYS_mlock, .err = ENOMEM},
	       (uint64_t[6]){at(&s, 8), 4 * s.page});
	follow(&s, (struct made){.nr = SYS_mprotect}, (uint64_t[6]){at(&s, 8), 4 * s.page, RW});
	assert_resident(&s, 5, 9);
	close_stage(&s);
}

static void residency_is_judged(void **state)
{
	struct stage s;

	(void)state;
	open_kernel_stage(&s);
	map(&s, 0, 8, RW, ANON);
	touch(&s, 0, 4);
	advise(&s, 0, 1, MADV_FREE, 0);
	for (uint64_t n = 3; n <= 4; n++)
		pages_judge_resident(s.pages, n * s.page, false, &s.event, &s.sink);
	pages_judge_resident(s.pages, 0, true, &s.event, &s.sink);
	assert_int_equal(s.sink.n, 0);
	pages_judge_resident(s.pages, 5 * s.page, true, &s.event, &s.sink);
	assert_finding(&s, FINDING_WRONG_RESIDENCY, RULE_RESIDENCY);
	assert_int_equal(s.sink.v[0].n[0], 5 * s.page);
	assert_int_equal(s.sink.v[0].n[1], 3 * s.page);
	assert_int_equal(s.sink.v[0].n[2], 4 * s.page);
	close_stage(&s);
}

/* Whether the rest of the mapping is locked still is not known: seen by what DONTNEED answers. */
static void dontunmap_may_unlock_the_mapping(void **state)
{
	struct stage s;

	(void)state;
	open_kernel_stage(&s);
	map(&s, 0, 6, RW, ANON);
	touch(&s, 0, 6);
	follow(&s, (struct made){.nr = SYS_mlock}, (uint64_t[6]){at(&s, 0), 6 * s.page});
	move(&s, 2, 2, 20, 2, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	advise(&s, 0, 1, MADV_DONTNEED, EINVAL);
	assert_false(look(&s, 0).known);
	advise(&s, 5, 1, MADV_DONTNEED, 0);
	assert_word(&s, 5, 0);
	close_stage(&s);
}

/* Let go, taken away, and populated since: it reads zero and is there. */
static void a_page_that_came_back_is_there(void **state)
{
	struct stage s;

	(void)state;
	open_kernel_stage(&s);
	map(&s, 0, 2, RW, ANON);
	touch(&s, 0, 2);
	advise(&s, 0, 2, MADV_FREE, 0);
	*(uint64_t *)at(&s, 0) = 0;
	*(uint64_t *)at(&s, 1) = 0;
	advise(&s, 0, 1, 23 /* MADV_POPULATE_WRITE */, 0);
	access_pages(&s, PAGES_CHECK, 0, 2);
	assert_int_equal(s.sink.n, 0);
	assert_word(&s, 0, 0);
	assert_resident(&s, 1, 1);
	close_stage(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_have_names),
		cmocka_unit_test(fresh_pages_read_zero_and_cost_nothing),
		cmocka_unit_test(what_is_wrong_is_said_once),
		cmocka_unit_test(the_rest_of_a_page_is_looked_at),
		cmocka_unit_test(add_counts_on),
		cmocka_unit_test(faults_are_judged),
		cmocka_unit_test(of_an_allocator_no_access_is_wrong),
		cmocka_unit_test(unmapping_rounds_up),
		cmocka_unit_test(protecting_stops_at_a_hole),
		cmocka_unit_test(advice_passes_holes_and_stops_at_refusals),
		cmocka_unit_test(a_page_let_go_may_be_kept_or_not),
		cmocka_unit_test(moving_keeps_what_was_there),
		cmocka_unit_test(dontunmap_leaves_the_source),
		cmocka_unit_test(dontunmap_may_unlock_the_mapping),
		cmocka_unit_test(a_page_that_came_back_is_there),
		cmocka_unit_test(guards_stop_accesses_and_drop_content),
		cmocka_unit_test(locking_populates),
		cmocka_unit_test(residency_is_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
