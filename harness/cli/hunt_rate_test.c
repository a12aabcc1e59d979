#include "harness/cli/hunt_rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/prog/program_testing.h"

#define TRIALS 2000

/* Of so many programs that show with this chance in a thousand, how many pass; and their runs. */
static unsigned passed(struct hunt_rate wanted, unsigned chance, unsigned *ret_runs)
{
	struct random r = {.state = 7};
	unsigned n = 0, runs = 0;

	for (unsigned i = 0; i < TRIALS; i++) {
		struct hunt_rate seen = {0};
		enum hunt_judgement j;

		do {
			seen.fired += random_below(&r, 1000) < chance;
			seen.runs++;
			j = hunt_rate_judge(wanted, seen);
		} while (j == HUNT_GO_ON);
		n += j == HUNT_AS_OFTEN;
		runs += seen.runs;
	}
	*ret_runs = runs / TRIALS;
	return n;
}

static void test_rates_do_not_decay(void **state)
{
	static const struct hunt_rate wanted[] = {{19, 20}, {12, 20}, {8, 20}, {3, 20}, {2, 20}};
	unsigned runs;

	(void)state;
	for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		unsigned chance = 1000 * wanted[i].fired / wanted[i].runs;

		assert_in_range(passed(wanted[i], chance, &runs), TRIALS * 9 / 10, TRIALS);
		assert_in_range(passed(wanted[i], chance / 3, &runs), 0, TRIALS / 30);
		assert_in_range(passed(wanted[i], chance / 6, &runs), 0, TRIALS / 500);
		assert_int_equal(passed(wanted[i], 0, &runs), 0);
		/* What never shows is what is asked about most. */
		assert_in_range(runs, 1, 7 * wanted[i].runs / wanted[i].fired);
	}
}

static void test_tries(void **state)
{
	(void)state;
	assert_int_equal(hunt_tries((struct hunt_rate){5, 5}), 1);
	assert_int_equal(hunt_tries((struct hunt_rate){10, 20}), 7);
	assert_int_equal(hunt_tries((struct hunt_rate){1, 200}), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates_do_not_decay),
		cmocka_unit_test(test_tries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
