#include <errno.h>
#include <string.h>

#include "harness/oracle/oracle_testing.h"

static void map(struct stage *s, uint32_t slot, unsigned page, unsigned pages, bool plain)
{
	stage_map(s, slot, (uintptr_t)s->pool + page * STAGE_PAGE, pages * STAGE_PAGE, plain);
}

static int touch(struct stage *s, uint32_t slot, unsigned page, unsigned pages)
{
	return model_map_touch(s->model, slot, (uintptr_t)s->pool + page * STAGE_PAGE,
			       pages * STAGE_PAGE);
}

static void judge(struct stage *s, uint32_t slot)
{
	struct op op = {.code = OP_MUNMAP, .space = SPACE_MAP};
	struct call_event e = {.op = &op, .slot = slot};

	oracle_map_content(s->model, &e, &s->sink);
}

static void touched_pages_are_judged(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	map(&s, 2, 1, 10, true);
	memset(s.pool, 3, 20 * STAGE_PAGE);
	judge(&s, 2);
	assert_int_equal(touch(&s, 2, 3, 4), 0);
	s.pool[2 * STAGE_PAGE]++;
	s.pool[7 * STAGE_PAGE]++;
	s.pool[3 * STAGE_PAGE + 8]++;
	judge(&s, 2);
	assert_clean(&s);
	s.pool[6 * STAGE_PAGE + 7]++;
	judge(&s, 2);
	struct finding f = assert_found(&s, FINDING_LOST_CONTENT, RULE_CONTENT_MAPPING);

	assert_int_equal(f.slot, 2);
	assert_int_equal(f.has_slot, SPACE_MAP);
	assert_int_equal(f.n[2], 5 * STAGE_PAGE + 7);
	judge(&s, 2); /* said once */
	stage_end(&s);
}

static void zeroed_pages_are_judged_at_the_end(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	map(&s, 0, 0, 4, true);
	map(&s, 1, 4, 4, true);
	assert_int_equal(touch(&s, 0, 0, 4), 0);
	assert_int_equal(touch(&s, 1, 4, 4), 0);
	stage_finish(&s);
	assert_clean(&s);
	memset(s.pool + 5 * STAGE_PAGE, 0, STAGE_PAGE);
	stage_finish(&s);
	struct finding f = assert_found(&s, FINDING_LOST_CONTENT, RULE_CONTENT_MAPPING);

	assert_int_equal(f.slot, 1);
	assert_int_equal(f.n[5], 8);
	stage_end(&s);
}

static void what_is_gone_or_not_plain_is_not_judged(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	map(&s, 0, 0, 8, true);
	map(&s, 1, 8, 8, false);
	map(&s, 2, 16, 8, true);
	for (uint32_t slot = 0; slot < 3; slot++)
		assert_int_equal(touch(&s, slot, slot * 8, 8), 0);
	stage_unmap(&s, (uintptr_t)s.pool + 2 * STAGE_PAGE, STAGE_PAGE);
	model_map_taint(s.model, 2);
	s.pool[2 * STAGE_PAGE]++;
	s.pool[9 * STAGE_PAGE]++;
	s.pool[17 * STAGE_PAGE]++;
	stage_finish(&s);
	assert_clean(&s);
	s.pool[3 * STAGE_PAGE]++;
	stage_finish(&s);
	assert_found(&s, FINDING_LOST_CONTENT, RULE_CONTENT_MAPPING);
	stage_end(&s);
}

static void a_mapping_over_another_one_takes_its_place(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	map(&s, 0, 0, 8, true);
	assert_int_equal(touch(&s, 0, 0, 8), 0);
	map(&s, 1, 2, 2, true);
	memset(s.pool + 2 * STAGE_PAGE, 0, 2 * STAGE_PAGE);
	assert_int_equal(touch(&s, 1, 2, 1), 0);
	stage_finish(&s);
	assert_clean(&s);
	s.pool[2 * STAGE_PAGE]++;
	stage_finish(&s);
	assert_int_equal(assert_found(&s, FINDING_LOST_CONTENT, RULE_CONTENT_MAPPING).slot, 1);
	/* The same place again, for another mapping of the slot: nothing old is left. */
	stage_unmap(&s, (uintptr_t)s.pool, 8 * STAGE_PAGE);
	map(&s, 0, 0, 8, true);
	memset(s.pool, 0, 8 * STAGE_PAGE);
	stage_finish(&s);
	stage_end(&s);
}

static void touching_stays_inside_the_mapping(void **state)
{
	struct stage s;

	(void)state;
	stage_start(&s);
	map(&s, 0, 2, 4, true);
	assert_int_equal(touch(&s, 0, 1, 1), -EINVAL);
	assert_int_equal(touch(&s, 0, 2, 5), -EINVAL);
	assert_int_equal(touch(&s, 0, 6, 1), -EINVAL);
	assert_int_equal(touch(&s, 1, 0, 1), -EINVAL);
	assert_int_equal(model_map_touch(s.model, 0, (uintptr_t)s.pool + 2 * STAGE_PAGE, SIZE_MAX),
			 -EINVAL);
	assert_int_equal(s.pool[2 * STAGE_PAGE], 0);
	/* One byte behind a page's start and one on the next page: both pages. */
	assert_int_equal(model_map_touch(s.model, 0, (uintptr_t)s.pool + 4 * STAGE_PAGE - 1, 2), 0);
	assert_int_equal(s.pool[2 * STAGE_PAGE], 0);
	assert_int_not_equal(s.pool[3 * STAGE_PAGE], 0);
	assert_int_not_equal(s.pool[4 * STAGE_PAGE], 0);
	assert_int_equal(s.pool[5 * STAGE_PAGE], 0);
	stage_finish(&s);
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(touched_pages_are_judged),
		cmocka_unit_test(zeroed_pages_are_judged_at_the_end),
		cmocka_unit_test(what_is_gone_or_not_plain_is_not_judged),
		cmocka_unit_test(a_mapping_over_another_one_takes_its_place),
		cmocka_unit_test(touching_stays_inside_the_mapping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
