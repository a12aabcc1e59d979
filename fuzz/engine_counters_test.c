#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fuzz/engine_counters.h"

/* An engine as AFL++'s runtime is one. */
void __sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *stop);
void __sanitizer_cov_trace_pc_guard(uint32_t *guard);

static uint8_t map[64];
static uint32_t last_place = 5; /* those before are the code's */

void __sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *stop)
{
	for (uint32_t *guard = start; guard < stop; guard++)
		*guard = ++last_place;
}

void __sanitizer_cov_trace_pc_guard(uint32_t *guard)
{
	map[*guard]++;
}

static void each_counter_has_a_place(void **state)
{
	static uint8_t counters[19];

	(void)state;
	/* Nobody is there who could be told. */
	unsetenv("__AFL_DEFER_FORKSRV");
	assert_int_equal(engine_counters_init(counters, sizeof(counters)), 0);
	counters[0] = 1;
	engine_counters();
	assert_int_equal(last_place, 5);
	assert_int_equal(counters[0], 1);

	setenv("__AFL_DEFER_FORKSRV", "1", 1);
	assert_int_equal(engine_counters_init(counters, sizeof(counters)), 0);
	assert_int_equal(last_place, 5 + sizeof(counters));
	map[0] = map[5] = 7;
	counters[0] = 1;
	counters[1] = 3;
	counters[2] = 31;
	counters[9] = 255;
	counters[18] = 4;
	engine_counters();
	/* Of the code 0 to 5, of the counters 6 to 24. */
	static const uint8_t expected[sizeof(map)] = {
		[0] = 7, [5] = 7, [6] = 1, [7] = 3, [8] = 16, [15] = 128, [24] = 4,
	};

	assert_memory_equal(map, expected, sizeof(map));
	for (unsigned i = 0; i < sizeof(counters); i++)
		assert_int_equal(counters[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_counter_has_a_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
