#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/exec/salvage.h"

static const struct run_config config = {.abi = RUN_ABI, .oplog_capacity = 3, .threads = 1};

static struct run_shared *page_new(void)
{
	struct run_shared *s = calloc(1, sizeof(*s) + 3 * sizeof(struct oplog_entry));

	assert_non_null(s);
	s->config = config;
	return s;
}

static void sound_pages_stay(void **state)
{
	const struct finding f = {.kind = FINDING_OVERLAP, .rule = RULE_OVERLAP_BLOCK};
	struct run_shared *s = page_new();

	(void)state;
	finding_add(&s->findings, &f);
	atomic_store(&s->ncheckpoints, 2);
	atomic_store(&s->oplog_used, 3);
	assert_false(salvage_page(s, &config));
	assert_int_equal(s->findings.n, 1);
	assert_int_equal(atomic_load(&s->ncheckpoints), 2);
	assert_int_equal(atomic_load(&s->oplog_used), 3);
	free(s);
}

static void numbers_are_bounded_and_strings_end(void **state)
{
	struct run_shared *s = page_new();

	(void)state;
	memset((char *)s + sizeof(s->config), 0xff, sizeof(*s) - sizeof(s->config));
	s->findings.without = config.without;
	assert_false(salvage_page(s, &config));
	assert_int_equal(s->findings.n, 0);
	assert_int_equal(s->findings.cut.rule, RULE_NONE);
	assert_true(s->served.own < SERVED_OBJECTS);
	assert_true(s->served.nobjects <= SERVED_OBJECTS);
	assert_true(atomic_load(&s->ncheckpoints) <= CHECKPOINT_MAX);
	assert_int_equal(s->nnot_run, 0);
	assert_int_equal(atomic_load(&s->oplog_used), 3);
	assert_true(strlen(s->refusal_text) < sizeof(s->refusal_text));
	assert_true(strlen(s->served.object[0].path) < sizeof(s->served.object[0].path));
	assert_true(s->watch.traps <= WATCH_UNSUPPORTED);
	assert_true(strlen(s->watch.reason) < sizeof(s->watch.reason));
	assert_true(s->growth.line.metric < GROWTH_METRICS);
	assert_int_equal(s->growth.suspected, 0);
	free(s);
}

static void a_page_written_over_is_one_finding(void **state)
{
	struct run_shared *s = page_new();

	(void)state;
	memset(s, 0xff, sizeof(*s));
	assert_true(salvage_page(s, &config));
	assert_int_equal(s->findings.n, 1);
	assert_int_equal(s->findings.v[0].kind, FINDING_CORRUPTED);
	assert_int_equal(s->findings.v[0].rule, RULE_HARNESS_WRITTEN);
	assert_memory_equal(&s->config, &config, sizeof(config));
	free(s);
}

/* Nor can it turn oracles off, or where `corrupted` is off pass for clean. */
static void what_is_off_is_the_controllers_word(void **state)
{
	struct run_config off = config;
	struct run_shared *s = page_new();

	(void)state;
	s->findings.without = FINDING_BIT(FINDING_OVERLAP);
	assert_true(salvage_page(s, &config));
	assert_int_equal(s->findings.n, 1);
	assert_int_equal(s->findings.without, 0);
	off.without = FINDING_BIT(FINDING_CORRUPTED);
	assert_true(salvage_page(s, &off));
	assert_int_equal(s->findings.n, 0);
	assert_int_equal(s->findings.cut.rule, RULE_HARNESS_WRITTEN);
	assert_int_equal(s->findings.without, off.without);
	free(s);
}

static void only_descendants_are_ours(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		pause();
		_exit(0);
	}
	assert_true(salvage_is_descendant(getpid(), getpid()));
	assert_true(salvage_is_descendant(pid, getpid()));
	assert_false(salvage_is_descendant(getppid(), getpid()));
	assert_false(salvage_is_descendant(1, getpid()));
	assert_false(salvage_is_descendant(-1, getpid()));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_false(salvage_is_descendant(pid, getpid()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sound_pages_stay),
		cmocka_unit_test(numbers_are_bounded_and_strings_end),
		cmocka_unit_test(a_page_written_over_is_one_finding),
		cmocka_unit_test(what_is_off_is_the_controllers_word),
		cmocka_unit_test(only_descendants_are_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
