#include "harness/exec/edges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct run_feedback page;
static uint8_t first[3 * 4096 + 77], second[5], huge[2 * FEEDBACK_EDGES];

static void is_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p[i], 0);
}

/* In the order of the tests: what is added stays. */
static void nothing_is_instrumented(void **state)
{
	(void)state;
	memset(page.edges, 1, 4);
	edges_clear(&page);
	edges_copy(&page);
	assert_int_equal(page.nedges, 0);
	assert_int_equal(page.edges_left_out, 0);
	assert_int_equal(page.edges[3], 1);
}

static void counters_lie_anywhere(void **state)
{
	const size_t n = sizeof(first) - 1;

	(void)state;
	edges_add(first + 1, first + sizeof(first));
	edges_add(first + 1, first + sizeof(first));
	edges_add(second, second);
	edges_add(second + 1, second + 4);
	first[0] = first[1] = 7;
	first[n] = 8;
	second[1] = 9;
	second[4] = 10;
	edges_copy(&page);
	assert_int_equal(page.nedges, n + 3);
	assert_int_equal(page.edges[0], 7);
	assert_int_equal(page.edges[n - 1], 8);
	assert_int_equal(page.edges[n], 9);
	assert_int_equal(page.edges[n + 2], 0);
}

static void clearing_clears_both_and_no_more(void **state)
{
	const size_t n = sizeof(first) - 1;

	(void)state;
	page.edges[n + 3] = 5;
	edges_clear(&page);
	assert_int_equal(page.nedges, n + 3);
	is_zero(page.edges, n + 3);
	is_zero(first + 1, n);
	assert_int_equal(first[0], 7);
	assert_int_equal(second[4], 10);
	assert_int_equal(page.edges[n + 3], 5);
}

static void what_has_no_room_is_counted(void **state)
{
	const size_t before = sizeof(first) - 1 + 3;

	(void)state;
	edges_add(huge, huge + sizeof(huge));
	memset(huge, 3, sizeof(huge));
	edges_copy(&page);
	assert_int_equal(page.nedges, FEEDBACK_EDGES);
	assert_int_equal(page.edges_left_out, sizeof(huge) + before - FEEDBACK_EDGES);
	assert_int_equal(page.edges[FEEDBACK_EDGES - 1], 3);
	edges_clear(&page);
	is_zero(page.edges, FEEDBACK_EDGES);
	assert_int_equal(huge[FEEDBACK_EDGES - before], 3);
}

static void so_is_what_comes_in_too_many_files(void **state)
{
	static uint8_t each[EDGES_FILES];

	(void)state;
	uint32_t left_out = page.edges_left_out;

	for (size_t i = 0; i < EDGES_FILES; i++)
		edges_add(&each[i], &each[i] + 1);
	edges_copy(&page);
	assert_int_equal(page.nedges, FEEDBACK_EDGES);
	assert_int_equal(page.edges_left_out, left_out + EDGES_FILES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_instrumented),
		cmocka_unit_test(counters_lie_anywhere),
		cmocka_unit_test(clearing_clears_both_and_no_more),
		cmocka_unit_test(what_has_no_room_is_counted),
		cmocka_unit_test(so_is_what_comes_in_too_many_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
