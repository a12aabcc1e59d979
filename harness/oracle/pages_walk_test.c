#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <string.h>

#include "harness/oracle/pages_walk.h"

#define PAGES	 40
#define CAPACITY 1000

static void print_walk(const struct walk_options *o, const struct walk_result *r)
{
	char message[512];

	/* Line by line: cmocka cuts what is long. */
	for (const char *at = r->story; *at;) {
		size_t len = strcspn(at, "\n");

		print_message("%.*s\n", (int)len, at);
		at += len + (at[len] != 0);
	}
	finding_message(&r->finding, message, sizeof(message));
	print_message("seed %" PRIu64 ", step %u: %s\n", o->seed, r->steps, message);
}

/* How much was seen in all walks of a test: a model that knows nothing is never wrong. */
struct seen {
	uint64_t steps, exact, judged, unknown, forgotten;
	uint32_t succeeded, failed;
};

static void assert_walks(struct walk_options o, uint64_t seeds, struct seen *ret_seen)
{
	struct seen seen = {0};
	struct walk_result r;

	for (o.seed = 1; o.seed <= seeds; o.seed++) {
		pages_walk(&o, &r);
		if (r.found)
			print_walk(&o, &r);
		assert_false(r.found);
		seen.steps += r.steps;
		seen.exact += r.exact;
		seen.judged += r.judged;
		seen.unknown += r.unknown;
		seen.forgotten += r.forgotten;
		seen.succeeded += r.succeeded;
		seen.failed += r.failed;
	}
	*ret_seen = seen;
}

static void it_agrees_with_the_kernel(void **state)
{
	struct seen seen;

	(void)state;
	assert_walks(
		(struct walk_options){.steps = 1500, .area_pages = PAGES, .capacity = CAPACITY}, 20,
		&seen);
	assert_true(seen.unknown < seen.judged / 10);
	assert_true(seen.exact > seen.steps / 20);
	assert_true(seen.succeeded > seen.steps / 3);
	assert_true(seen.failed > seen.steps / 5);
	assert_int_equal(seen.forgotten, 0);
}

static void it_agrees_where_huge_pages_come(void **state)
{
	struct seen seen;

	(void)state;
	assert_walks(
		(struct walk_options){
			.steps = 400, .area_pages = 1600, .capacity = CAPACITY, .huge = true},
		6, &seen);
	assert_true(seen.unknown < seen.judged / 4);
}

static void it_agrees_after_children_were_killed(void **state)
{
	struct seen seen;

	(void)state;
	assert_walks(
		(struct walk_options){
			.steps = 800, .area_pages = PAGES, .capacity = CAPACITY, .cuts = true},
		10, &seen);
	assert_true(seen.unknown < seen.judged / 2);
}

static void with_little_memory_it_knows_less(void **state)
{
	struct seen seen;

	(void)state;
	assert_walks((struct walk_options){.steps = 1000, .area_pages = PAGES, .capacity = 12}, 20,
		     &seen);
	assert_true(seen.forgotten > 0);
	assert_true(seen.unknown < seen.judged);
}

/* Of the 40 walks one at least must find it. */
static void every_wrong_rule_is_found(void **state)
{
	(void)state;
	for (unsigned rule = PAGES_ALL_RIGHT + 1; rule < PAGES_RULES; rule++) {
		struct walk_options o = {.steps = 1500,
					 .area_pages = PAGES,
					 .capacity = CAPACITY,
					 .wrong = (enum pages_rule)rule};
		struct walk_result r = {.found = false};

		for (o.seed = 1; o.seed <= 40 && !r.found; o.seed++)
			pages_walk(&o, &r);
		print_message("%s: %s in walk %" PRIu64 ", step %u\n", pages_rule_name(rule),
			      finding_rule_name(r.finding.rule), o.seed - 1, r.steps);
		assert_true(r.found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_agrees_with_the_kernel),
		cmocka_unit_test(it_agrees_where_huge_pages_come),
		cmocka_unit_test(it_agrees_after_children_were_killed),
		cmocka_unit_test(with_little_memory_it_knows_less),
		cmocka_unit_test(every_wrong_rule_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
