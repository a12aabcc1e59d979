#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/cli/sweep_jobs.h"

#define MIB (UINT64_C(1) << 20)

static const struct sweep_room two = {.processors = 2, .free_bytes = 4096 * MIB};

static void who_works_has_a_processor(void **state)
{
	const struct sweep_cost busy = {.cpu_ns = 1000, .resident_bytes = MIB};
	const struct sweep_cost unmeasured = {0};

	(void)state;
	assert_int_equal(sweep_jobs(&busy, &two), 2);
	assert_int_equal(sweep_jobs(&unmeasured, &two), 2);
}

static void who_sleeps_makes_room_for_others(void **state)
{
	const struct sweep_cost third = {.slept_ns = 2000, .cpu_ns = 1000, .resident_bytes = MIB};
	const struct sweep_cost asleep = {
		.slept_ns = 1000000, .cpu_ns = 1000, .resident_bytes = MIB};
	const struct sweep_cost unmeasured = {.slept_ns = 1000};

	(void)state;
	assert_int_equal(sweep_jobs(&third, &two), 6);
	assert_int_equal(sweep_jobs(&asleep, &two), 16);
	assert_int_equal(sweep_jobs(&unmeasured, &two), 16);
}

static void memory_is_the_bound(void **state)
{
	struct sweep_cost c = {.slept_ns = 8000, .cpu_ns = 1000, .resident_bytes = 200 * MIB};
	const struct sweep_room none = {.processors = 2}, unknown = {2, UINT64_MAX};

	(void)state;
	assert_int_equal(sweep_jobs(&c, &two), 5);
	c.resident_bytes = 1000 * MIB;
	assert_int_equal(sweep_jobs(&c, &two), 1);
	c.resident_bytes = 100000 * MIB;
	assert_int_equal(sweep_jobs(&c, &two), 1);
	assert_int_equal(sweep_jobs(&c, &none), 1);
	assert_int_equal(sweep_jobs(&c, &unknown), 16);
}

static void this_machine_has_room(void **state)
{
	const struct sweep_room room = sweep_room();

	(void)state;
	assert_true(room.processors > 0);
	assert_true(room.free_bytes > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_works_has_a_processor),
		cmocka_unit_test(who_sleeps_makes_room_for_others),
		cmocka_unit_test(memory_is_the_bound),
		cmocka_unit_test(this_machine_has_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
