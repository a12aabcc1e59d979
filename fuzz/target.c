#include "fuzz/target_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/engine_counters.h"
#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/hunt.h"

/* So many inputs in a row that the harness could not run: there is no point in going on. */
#define MOST_BROKEN 100

__attribute__((section("__libfuzzer_extra_counters"), used)) //
struct feedback_counters target_counters;

static struct target target;

bool target_mutates_bytes(void)
{
	return target.flags.bytes;
}

const uint64_t *target_sizes(size_t *ret_n)
{
	*ret_n = FEEDBACK_ROUNDED;
	return target.sizes;
}

enum budget target_budget(enum budget of, unsigned random)
{
	return budget_choose(&target.account, of, random);
}

static enum input_kind input_of(enum target_kind kind, enum goal climb)
{
	if (kind == TARGET_MMAP)
		return INPUT_KERNEL;
	if (kind == TARGET_DIFF)
		return INPUT_SAME;
	if (climb == GOAL_NONE)
		return INPUT_ALLOCATOR;
	return climb == GOAL_LOST ? INPUT_REFUSED : INPUT_CALM;
}

/* Outcomes that are compared; a longer program is compared as far as they go. */
#define OUTCOMES 65536

static int open_side(struct target *t, const char *name)
{
	struct side *s = &t->side[t->nsides];
	int code =
		feeding_open(&s->feeding, name, &t->flags, t->kind == TARGET_DIFF ? OUTCOMES : 0);

	if (!code && subject_is_kernel(&s->feeding.subject) && t->kind != TARGET_MMAP) {
		cli_complain("the kernel is no allocator: run fuzz_mmap");
		code = EXIT_MISUSE;
	}
	t->nsides++;
	return code;
}

static int open_sides(struct target *t)
{
	const char *name = t->flags.allocator ? t->flags.allocator : FUZZ_ALLOCATOR;
	int code;

	if (t->kind == TARGET_DIFF && !t->flags.other) {
		cli_complain("fuzz_diff compares two allocators: say --other=NAME|FILE");
		return EXIT_MISUSE;
	}
	code = open_side(t, t->kind == TARGET_MMAP ? "kernel" : name);
	if (!code && t->kind == TARGET_DIFF)
		code = open_side(t, t->flags.other);
	if (!code)
		code = climb_open(&t->climb, t->side[0].feeding.name, &t->flags);
	return code;
}

static int open_rest(struct target *t)
{
	uint64_t without = t->kind == TARGET_DIFF ? target_absent_ops(t) : 0;
	int err = input_new(input_of(t->kind, t->flags.climb), without, &t->input);

	if (!err)
		err = stats_open(t->flags.stats, &t->stats);
	if (!err)
		err = engine_counters_init(&target_counters, sizeof(target_counters));
	return err;
}

static int begin(struct target *t, enum target_kind kind, int argc, char *const *argv)
{
	int code = flags_parse(argc, argv, &t->flags);

	t->kind = kind;
	if (!code)
		code = open_sides(t);
	if (code)
		return code;
	int err = open_rest(t);

	if (err)
		cli_complain("cannot begin%s%s: %s", t->flags.stats ? " with " : "",
			     t->flags.stats ? t->flags.stats : "", strerror(-err));
	t->begin_ns = hunt_now_ns();
	return err ? EXIT_BROKEN : 0;
}

static void settle_at_exit(void)
{
	target_settle(&target);
}

void target_begin(enum target_kind kind, int argc, char *const *argv)
{
	int code = begin(&target, kind, argc, argv);

	if (code)
		exit(code);
	atexit(settle_at_exit);
}

static uint32_t kinds(const struct target *t, const struct side *s, bool new)
{
	uint32_t set = 0;

	for (unsigned i = 0; i < s->nfindings; i++)
		if (target_is_new(t, &s->finding[i]) == new)
			set |= FINDING_BIT(s->finding[i].finding->kind);
	return set;
}

static void count_edges(struct target *t, const struct run_feedback *reached)
{
	uint64_t seen = 0;

	if (!reached || !reached->nedges)
		return;
	uint32_t n = reached->nedges < FEEDBACK_EDGES ? reached->nedges : FEEDBACK_EDGES;

	for (uint32_t i = 0; i < n; i++) {
		if (reached->edges[i] && !t->edges_seen[i]) {
			t->edges_seen[i] = true;
			seen++;
		}
	}
	stats_add(&t->stats->edges_seen, seen);
	stats_raise(&t->stats->edges, n);
}

static void count_result(struct target *t, const struct feed_result *r)
{
	stats_add(&t->stats->executed, r->executed);
	if (r->peak.maps > 0)
		stats_raise(&t->stats->peak_maps, (uint64_t)r->peak.maps);
	count_edges(t, r->reached);
}

/* The last one at each place, so that what comes depends on the inputs alone. */
static void learn_sizes(struct target *t, const struct run_feedback *reached)
{
	for (size_t i = 0; reached && i < FEEDBACK_ROUNDED; i++)
		if (reached->rounded[i])
			t->sizes[i] = reached->rounded[i];
}

static void count_cost(struct target *t, enum budget b, const struct feed_result *r)
{
	struct budget_cost cost = {.ops = r->executed, .ballast = t->text.ballast};

	for (int i = 0; i < KCALL_COUNT; i++)
		cost.kernel_calls += r->made[i];
	budget_count(&t->account, b, &cost);
}

static void give_feedback(const struct target *t, const struct side *s, uint64_t goal)
{
	const struct feedback f = {
		.result = &s->result,
		.known = kinds(t, s, false),
		.fresh = kinds(t, s, true),
		.goal_milli = goal,
		.no_state = t->flags.no_state,
	};

	feedback_fill(&f, &target_counters);
}

static void take_results(struct target *t, enum budget b)
{
	struct side *first = &t->side[0];
	uint64_t goal = climb_measure(&t->climb, &t->text, &first->result);

	stats_add(&t->stats->inputs, 1);
	for (unsigned i = 0; i < t->nsides; i++) {
		struct side *s = &t->side[i];

		s->nfindings = feeding_describe(&s->feeding, &s->result, &s->growth, s->finding);
		count_result(t, &s->result);
		learn_sizes(t, s->result.reached);
		count_cost(t, b, &s->result);
		give_feedback(t, s, goal);
	}
	target_judge(t);
	if (t->nsides > 1)
		target_compare(t);
	if (climb_consider(&t->climb, &first->feeding, &t->text, goal))
		stats_raise(&t->stats->worst_milli, t->climb.worst_milli);
}

/* An input that was not run says nothing of the allocator. */
static void take_refusal(struct target *t, int err, const struct feed_result *r)
{
	bool broken = err || r->end == RUN_END_BROKEN;

	target_counters.always = 1;
	stats_add(&t->stats->refused, 1);
	t->broken = broken ? t->broken + 1 : 0;
	if (t->broken < MOST_BROKEN)
		return;
	cli_complain("%u inputs in a row could not be run: %s", t->broken,
		     err ? strerror(-err) : r->reason);
	_exit(EXIT_BROKEN);
}

/* Whether the input was run, whatever came of it. */
static bool feed(struct target *t, struct side *s)
{
	uint64_t begin_ns = hunt_now_ns(), children = feeding_children(&s->feeding);
	int err = feeding_run(&s->feeding, &t->text, &s->result);

	stats_add(&t->stats->ns_child, hunt_now_ns() - begin_ns);
	stats_add(&t->stats->children, feeding_children(&s->feeding) - children);
	if (!err && s->result.end != RUN_END_REFUSED && s->result.end != RUN_END_BROKEN)
		return true;
	take_refusal(t, err, &s->result);
	return false;
}

static void run(struct target *t, const uint8_t *bytes, size_t len)
{
	int err = input_decode(t->input, bytes, len, &t->text);

	t->inputs++;
	if (err) {
		take_refusal(t, err, &t->side[0].result);
		return;
	}
	for (unsigned i = 0; i < t->nsides; i++)
		if (!feed(t, &t->side[i]))
			return;
	t->broken = 0;
	take_results(t, budget_of(len));
}

void target_run(const uint8_t *bytes, size_t len)
{
	run(&target, bytes, len);
	engine_counters();
}
