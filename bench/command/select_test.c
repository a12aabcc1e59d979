#include "bench/command/select.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/cli/cmd.h"

static void add(struct bench_item *ret, unsigned *n, const char *name, bool quick, bool only_fixed)
{
	ret[*n] = (struct bench_item){.quick = quick, .only_fixed = only_fixed};
	snprintf(ret[*n].name, sizeof(ret[*n].name), "%s", name);
	(*n)++;
}

static int list_builds(const struct bench_tools *t, struct bench_item *ret, unsigned *n,
		       unsigned most)
{
	(void)t, (void)most;
	add(ret, n, "larson", true, false);
	add(ret, n, "drain", false, true);
	return 0;
}

static int list_programs(const struct bench_tools *t, struct bench_item *ret, unsigned *n,
			 unsigned most)
{
	(void)t, (void)most;
	add(ret, n, "program/map-limit", true, true);
	return 0;
}

static int list_limits(const struct bench_tools *t, struct bench_item *ret, unsigned *n,
		       unsigned most)
{
	(void)t, (void)most;
	add(ret, n, "maps/16K", false, true);
	return 0;
}

static int list_fails(const struct bench_tools *t, struct bench_item *ret, unsigned *n,
		      unsigned most)
{
	(void)t, (void)ret, (void)n, (void)most;
	return -EIO;
}

static const struct bench_kind timed = {.name = "timed", .list = list_builds};
static const struct bench_kind sampled = {.name = "sampled", .list = list_builds};
static const struct bench_kind program = {.name = "program", .list = list_programs};
static const struct bench_kind limit = {.name = "limit", .list = list_limits};
static const struct bench_kind failing = {.name = "failing", .list = list_fails};
static const struct bench_kind *const kinds[] = {&timed, &sampled, &program, &limit, NULL};

static struct offer offer;
static struct selection selection;

static int read_offer(void **state)
{
	static const struct bench_tools tools;

	(void)state;
	return offer_read(kinds, &tools, &offer);
}

static int choose(const struct bench_command *c)
{
	return select_entries(c, &offer, true, &selection);
}

/* "timed larson x5, ..." */
static void expect_entries(const struct bench_command *c, const char *want)
{
	char text[1024] = "";
	size_t len = 0;

	assert_int_equal(choose(c), 0);
	for (unsigned i = 0; i < selection.n; i++) {
		const struct plan_entry *e = &selection.entries[i];

		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s %s%s%s x%u%s",
					i ? ", " : "", e->kind->name, e->item->name,
					e->after[0] ? " " : "", e->after, e->reps,
					e->loop ? " loop" : "");
	}
	assert_string_equal(text, want);
}

static void all_is_the_default(void **state)
{
	struct bench_command c = bench_command_defaults();

	(void)state;
	expect_entries(&c, "timed larson x5 loop, timed drain x5 loop, sampled larson x5, sampled "
			   "drain x5, program program/map-limit x5");
	c.reps = 9;
	c.latency = 0;
	expect_entries(&c, "timed larson x9 loop, timed drain x9 loop, program program/map-limit "
			   "x9");
}

static void quick_is_a_part(void **state)
{
	struct bench_command c = bench_command_defaults();

	(void)state;
	c.quick = true;
	expect_entries(&c, "timed larson x5 loop, sampled larson x1, program program/map-limit x1");
	c.workloads = (struct command_list){{"drain"}, 1};
	expect_entries(&c, "timed drain x5 loop, sampled drain x1");
}

static void names_are_patterns(void **state)
{
	struct bench_command c = bench_command_defaults();

	(void)state;
	c.workloads = (struct command_list){{"prog*", "l?rson"}, 2};
	expect_entries(&c, "timed larson x5 loop, sampled larson x5, program program/map-limit x5");
	c.workloads = (struct command_list){{"larson", "lrson"}, 2};
	assert_int_equal(choose(&c), EXIT_MISUSE);
	/* The limit has a word of its own. */
	c.workloads = (struct command_list){{"maps/*"}, 1};
	assert_int_equal(choose(&c), EXIT_MISUSE);
	c.maps = true;
	expect_entries(&c, "limit maps/16K x1");
}

static void what_follows_is_for_the_timed_build(void **state)
{
	struct bench_command c = bench_command_defaults();

	(void)state;
	c.after = (struct command_list){{"idle", "purge"}, 2};
	c.workloads = (struct command_list){{"larson"}, 1};
	expect_entries(&c, "timed larson idle x5, timed larson purge x5, sampled larson x5");
}

static void a_fixed_time_leaves_fixed_work_out(void **state)
{
	struct bench_command c = bench_command_defaults();

	(void)state;
	c.time_ns = 1000;
	expect_entries(&c, "timed larson x5 loop, sampled larson x5");
	assert_int_equal(selection.left_out, 2);
	c.workloads = (struct command_list){{"drain"}, 1};
	assert_int_equal(choose(&c), EXIT_MISUSE);
}

static void a_kind_that_cannot_list_is_told(void **state)
{
	static const struct bench_kind *const broken[] = {&timed, &failing, NULL};
	static const struct bench_tools tools;
	static struct offer other;

	(void)state;
	assert_int_equal(offer_read(broken, &tools, &other), EXIT_BROKEN);
}

static void the_list_names_a_workload_once(void **state)
{
	char *text = NULL;
	size_t size, n = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	offer_print(&offer, out);
	fclose(out);
	for (const char *p = text; (p = strstr(p, "larson")); p++)
		n++;
	assert_int_equal(n, 1);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_the_default),
		cmocka_unit_test(quick_is_a_part),
		cmocka_unit_test(names_are_patterns),
		cmocka_unit_test(what_follows_is_for_the_timed_build),
		cmocka_unit_test(a_fixed_time_leaves_fixed_work_out),
		cmocka_unit_test(a_kind_that_cannot_list_is_told),
		cmocka_unit_test(the_list_names_a_workload_once),
	};

	return cmocka_run_group_tests(tests, read_offer, NULL);
}
