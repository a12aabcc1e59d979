/* What a result means for an engine. */
#include "fuzz/feedback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fuzz/goal.h"

#define MIB (INT64_C(1) << 20)

static struct feedback_counters counters;

static void fill(const struct feed_result *r)
{
	const struct feedback f = {.result = r};

	memset(&counters, 0, sizeof(counters));
	feedback_fill(&f, &counters);
}

static unsigned height(enum gauge g)
{
	unsigned n = 0;

	while (n < FEEDBACK_LEVELS && counters.gauge[g][n])
		n++;
	for (unsigned i = n; i < FEEDBACK_LEVELS; i++)
		assert_int_equal(counters.gauge[g][i], 0);
	return n;
}

static void levels_rise_with_the_amount(void **state)
{
	(void)state;
	const struct {
		uint64_t value;
		unsigned level;
	} of_two[] = {{0, 0}, {1, 1}, {2, 3}, {3, 4}, {4, 5}, {6, 6}, {7, 6}, {8, 7}, {1024, 21}};

	for (size_t i = 0; i < sizeof(of_two) / sizeof(of_two[0]); i++)
		assert_int_equal(feedback_level(of_two[i].value, 2, 96), of_two[i].level);
	unsigned last = 0;

	for (unsigned bit = 0; bit < 64; bit++) {
		for (uint64_t part = 0; part < 4; part++) {
			uint64_t value = (UINT64_C(1) << bit) + part * ((UINT64_C(1) << bit) / 4);
			unsigned level = feedback_level(value, 64, 100000);

			if (bit >= 2 && bit < 62)
				assert_int_equal(level, 1 + bit * 64 + part * 16);
			assert_true(level >= last);
			last = level;
		}
	}
	assert_int_equal(feedback_level(UINT64_MAX, 64, 3072), 3072);
	assert_true(feedback_level(UINT64_MAX, 64, 5000) <= 4096);
}

static void nothing_is_one_feature(void **state)
{
	(void)state;
	static struct feed_result r;
	const uint8_t *bytes = (const uint8_t *)&counters;

	fill(&r);
	for (size_t i = 0; i < sizeof(counters); i++)
		assert_int_equal(bytes[i], i == 0);
}

static void amounts_are_thermometers(void **state)
{
	(void)state;
	static struct feed_result r = {
		.peak = {.maps = 8, .mapped_bytes = 6 * MIB},
		.kept = {.maps = 4, .mapped_bytes = 4096, .rss_bytes = 2 * MIB},
		.resident = true,
		.live_peak_bytes = 2 * MIB,
		.lost = {.measured = 1, .bytes = 2 * 4096},
		.refused = {[KCALL_MUNMAP] = 1, [KCALL_MMAP] = 1},
		.null_at_refusal = 1,
		.executed = 1024,
	};

	fill(&r);
	assert_int_equal(height(GAUGE_MAPS), 7);
	assert_int_equal(height(GAUGE_MAPPED), feedback_level(24, 2, 96));
	assert_int_equal(height(GAUGE_RESIDENT), feedback_level(8, 2, 96));
	assert_int_equal(height(GAUGE_KEPT_MAPS), 5);
	assert_int_equal(height(GAUGE_KEPT_BYTES), 1);
	assert_int_equal(height(GAUGE_LOST), 3);
	assert_int_equal(height(GAUGE_REFUSED), 3);
	assert_int_equal(height(GAUGE_NULLS), 1);
	assert_int_equal(height(GAUGE_OPS), 21);
	r.peak.maps = -3;
	r.resident = false;
	r.lost.measured = 0;
	fill(&r);
	assert_int_equal(height(GAUGE_MAPS), 0);
	assert_int_equal(height(GAUGE_RESIDENT), 0);
	assert_int_equal(height(GAUGE_LOST), 0);
}

static void states_and_edges_are_as_they_are(void **state)
{
	(void)state;
	struct run_feedback *reached = calloc(1, sizeof(*reached));
	static struct feed_result r;

	reached->states[5] = 3;
	reached->states[FEEDBACK_STATES - 1] = 255;
	reached->nedges = FEEDBACK_EDGE_PLACES + 2;
	reached->edges[1] = 4;
	reached->edges[FEEDBACK_EDGE_PLACES + 1] = 3;
	reached->edges[FEEDBACK_EDGE_PLACES + 2] = 9; /* not one of them */
	r.reached = reached;
	fill(&r);
	assert_int_equal(counters.states[5], 3);
	assert_int_equal(counters.states[FEEDBACK_STATES - 1], 255);
	assert_int_equal(counters.edges[0], 0);
	assert_int_equal(counters.edges[1], 7);
	assert_int_equal(counters.edges[2], 0);
	free(reached);
}

static void edges_alone_where_told(void **state)
{
	(void)state;
	struct run_feedback *reached = calloc(1, sizeof(*reached));
	static struct feed_result r = {.peak = {.maps = 9}};
	const struct feedback f = {
		.result = &r, .known = 1, .fresh = 2, .goal_milli = 7, .no_state = true};
	size_t set = 0;

	reached->nedges = 3;
	reached->edges[2] = 1;
	reached->states[0] = 1;
	r.reached = reached;
	memset(&counters, 0, sizeof(counters));
	feedback_fill(&f, &counters);
	for (size_t i = 0; i < sizeof(counters); i++)
		set += ((const uint8_t *)&counters)[i] != 0;
	assert_int_equal(set, 2);
	assert_int_equal(counters.always, 1);
	assert_int_equal(counters.edges[2], 1);
	free(reached);
}

static void kinds_and_the_goal_have_places(void **state)
{
	(void)state;
	static struct feed_result r;
	const struct feedback f = {.result = &r,
				   .known = FINDING_BIT(FINDING_CRASH),
				   .fresh = FINDING_BIT(FINDING_OVERLAP),
				   .goal_milli = 1000};

	memset(&counters, 0, sizeof(counters));
	feedback_fill(&f, &counters);
	assert_int_equal(counters.known[FINDING_CRASH], 1);
	assert_int_equal(counters.known[FINDING_OVERLAP], 0);
	assert_int_equal(counters.fresh[FINDING_OVERLAP], 1);
	unsigned level = feedback_level(1000, 64, 3072);

	assert_int_equal(counters.goal[level - 1], 1);
	assert_int_equal(counters.goal[level], 0);
}

static void goals_are_ratios_with_a_floor(void **state)
{
	(void)state;
	static struct feed_result r = {
		.exact = true,
		.peak = {.maps = 300},
		.live_bytes_at_peak = 3 * MIB,
		.live_peak_bytes = 4 * MIB,
		.resident = true,
		.kept = {.rss_bytes = 2 * MIB, .mapped_bytes = 8 * MIB},
		.lost = {.measured = 1, .bytes = 8192},
		.slowest_ns = 1234,
	};

	assert_int_equal(goal_milli(GOAL_MAPS, &r), 100000);
	assert_int_equal(goal_milli(GOAL_RETAINED, &r), 500);
	assert_int_equal(goal_milli(GOAL_LOST, &r), 8000);
	assert_int_equal(goal_milli(GOAL_LATENCY, &r), 1234);
	assert_int_equal(goal_milli(GOAL_NONE, &r), 0);
	r.live_bytes_at_peak = 10;
	r.resident = false;
	assert_int_equal(goal_milli(GOAL_MAPS, &r), 300000);
	assert_int_equal(goal_milli(GOAL_RETAINED, &r), 2000);
	r.exact = false;
	r.lost.measured = 0;
	assert_int_equal(goal_milli(GOAL_MAPS, &r), 0);
	assert_int_equal(goal_milli(GOAL_LOST, &r), 0);
	assert_int_equal(goal_ratio(UINT64_MAX, 0, 1), UINT64_MAX);
	assert_int_equal(goal_by_name("lost"), GOAL_LOST);
	assert_true(goal_by_name("none") < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_rise_with_the_amount),
		cmocka_unit_test(nothing_is_one_feature),
		cmocka_unit_test(amounts_are_thermometers),
		cmocka_unit_test(states_and_edges_are_as_they_are),
		cmocka_unit_test(edges_alone_where_told),
		cmocka_unit_test(kinds_and_the_goal_have_places),
		cmocka_unit_test(goals_are_ratios_with_a_floor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
