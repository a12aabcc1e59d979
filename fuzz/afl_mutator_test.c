#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <dlfcn.h>

#include "fuzz/afl_mutator.h"
#include "fuzz/budget.h"
#include "harness/prog/program_testing.h"
#include "harness/prog/wire.h"

#define MAX 2048

static typeof(afl_custom_init) *mutator_init;
static typeof(afl_custom_fuzz) *mutator_fuzz;
static typeof(afl_custom_deinit) *mutator_deinit;
static void *library;
static uint8_t seeds[2][MAX];
static size_t lens[2];

static void *found(const char *name)
{
	void *address = dlsym(library, name);

	if (!address)
		fail_msg("%s: %s", name, dlerror());
	return address;
}

/* As afl-fuzz does it. */
static int load(void **state)
{
	static struct op ops[64];
	struct random r = {.state = 5};

	(void)state;
	library = dlopen(AFL_MUTATOR, RTLD_NOW);
	if (!library)
		fail_msg("%s", dlerror());
	mutator_init = found("afl_custom_init");
	mutator_fuzz = found("afl_custom_fuzz");
	mutator_deinit = found("afl_custom_deinit");
	for (size_t i = 0; i < 2; i++) {
		struct program p = {.ops = ops, .max_ops = 64};

		p.nops = random_program(&r, ops, 8);
		assert_int_equal(wire_encode(&p, seeds[i], MAX, &lens[i]), 0);
	}
	return 0;
}

static int unload(void **state)
{
	(void)state;
	return dlclose(library);
}

static void inputs_stay_whole_and_bounded(void **state)
{
	void *m = mutator_init(NULL, 1);
	uint8_t before[MAX];
	unsigned changed = 0, marked = 0;

	(void)state;
	assert_non_null(m);
	memcpy(before, seeds[0], MAX);
	for (unsigned i = 0; i < 2000; i++) {
		size_t max = i % 7 ? MAX : i % 300;
		uint8_t *out = NULL;
		size_t len = mutator_fuzz(m, seeds[0], lens[0], &out, i % 2 ? seeds[1] : NULL,
					  i % 2 ? lens[1] : 0, max);

		assert_non_null(out);
		assert_true(len <= max);
		/* Whole records, and a mark of the budget. */
		assert_true(len % WIRE_RECORD_BYTES == 0 || budget_of(len) != BUDGET_LITTLE);
		marked += budget_of(len) != BUDGET_LITTLE;
		assert_memory_equal(before, seeds[0], MAX);
		changed += len != lens[0] || memcmp(out, seeds[0], len) != 0;
	}
	assert_true(changed > 1500);
	assert_in_range(marked, 20, 400);
	mutator_deinit(m);
}

/* Two of one seed agree; another seed does not. */
static void seeds_decide(void **state)
{
	void *m[3] = {mutator_init(NULL, 7), mutator_init(NULL, 7), mutator_init(NULL, 8)};
	unsigned differ = 0;

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		uint8_t *out[3];
		size_t len[3];

		for (unsigned k = 0; k < 3; k++)
			len[k] = mutator_fuzz(m[k], seeds[0], lens[0], &out[k], seeds[1], lens[1],
					      MAX);
		assert_int_equal(len[0], len[1]);
		assert_memory_equal(out[0], out[1], len[0]);
		differ += len[0] != len[2] || memcmp(out[0], out[2], len[0]) != 0;
	}
	assert_true(differ > 100);
	for (unsigned k = 0; k < 3; k++)
		mutator_deinit(m[k]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inputs_stay_whole_and_bounded),
		cmocka_unit_test(seeds_decide),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
