#include "fuzz/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/climb.h"
#include "fuzz/proof.h"
#include "fuzz/sightings.h"
#include "fuzz/stats.h"
#include "fuzz/tell.h"
#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/hunt.h"

/* So many inputs in a row that the harness could not run: there is no point in going on. */
#define MOST_BROKEN 100

__attribute__((section("__libfuzzer_extra_counters"), used)) //
struct feedback_counters target_counters;

static struct target {
	struct target_flags flags;
	struct feeding feeding;
	struct input *input;
	struct climb climb;
	struct job_stats *stats;
	struct sightings sightings;
	struct budget_account account;
	uint64_t begin_ns, inputs;
	unsigned broken; /* inputs in a row */
	struct input_text text;
	struct feed_result result;
	struct finding growth;
	struct verdict_finding finding[FINDING_MAX + 1];
	unsigned nfindings;
	bool edges_seen[FEEDBACK_EDGES];
} target;

bool target_mutates_bytes(void)
{
	return target.flags.bytes;
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

static int begin(struct target *t, enum target_kind kind, int argc, char *const *argv)
{
	int code = flags_parse(argc, argv, &t->flags);

	if (code)
		return code;
	const char *name = t->flags.allocator ? t->flags.allocator : "glibc";

	if (kind == TARGET_MMAP)
		name = "kernel";
	code = feeding_open(&t->feeding, name, &t->flags);
	if (!code && subject_is_kernel(&t->feeding.subject) && kind != TARGET_MMAP) {
		cli_complain("the kernel is no allocator: run fuzz_mmap");
		code = EXIT_MISUSE;
	}
	if (!code)
		code = climb_open(&t->climb, name, &t->flags);
	if (code)
		return code;
	int err = input_new(input_of(kind, t->flags.climb), 0, &t->input);

	if (!err)
		err = stats_open(t->flags.stats, &t->stats);
	if (err)
		cli_complain("cannot begin%s%s: %s", t->flags.stats ? " with " : "",
			     t->flags.stats ? t->flags.stats : "", strerror(-err));
	t->begin_ns = hunt_now_ns();
	return err ? EXIT_BROKEN : 0;
}

void target_begin(enum target_kind kind, int argc, char *const *argv)
{
	int code = begin(&target, kind, argc, argv);

	if (code)
		exit(code);
}

static bool is_new(const struct target *t, const struct verdict_finding *f)
{
	return !f->known || t->flags.strict;
}

static struct found_text found_text(const struct input_text *text)
{
	return (struct found_text){(char *)text->text, text->len};
}

static void fill_found(const struct target *t, const struct proof *p, struct found *ret)
{
	const struct verdict_finding *f = p->finding;

	*ret = (struct found){
		.kind = f->finding->kind,
		.known = f->known != NULL,
		.load = t->flags.load,
		.hang_ns = t->flags.hang_ns,
		.input = t->inputs,
		.seconds = (double)(hunt_now_ns() - t->begin_ns) / 1e9,
		.program = found_text(p->program),
		.nhistory = p->nhistory,
	};
	snprintf(ret->signature, sizeof(ret->signature), "%s", f->signature);
	snprintf(ret->message, sizeof(ret->message), "%s", f->message);
	snprintf(ret->allocator, sizeof(ret->allocator), "%s", t->feeding.name);
}

/* Told once. Without an inbox that ends the target, and the engine keeps its input. */
static void report(struct target *t, const struct found *found)
{
	if (!t->flags.inbox) {
		tell_words(found);
		abort();
	}
	int err = tell_folder(t->flags.inbox, found);

	if (err) {
		cli_complain("%s: cannot keep the finding %s: %s", t->flags.inbox, found->signature,
			     strerror(-err));
		tell_words(found);
		return;
	}
	sightings_settle(&t->sightings, found->signature);
	stats_add(&t->stats->reported, 1);
}

static void on_proof(void *ctx, const struct proof *p)
{
	struct target *t = ctx;
	struct found_text history[FEEDING_HISTORY];
	struct found found;

	if (!is_new(t, p->finding) || sightings_settled(&t->sightings, p->finding->signature))
		return;
	fill_found(t, p, &found);
	for (unsigned i = 0; i < p->nhistory; i++)
		history[i] = found_text(&p->history[i]);
	found.history = history;
	report(t, &found);
}

static void confirm(struct target *t, const struct verdict_finding *f)
{
	const struct proof_search search = {
		.feeding = &t->feeding,
		.input = t->input,
		.program = &t->text,
		.signature = f->signature,
		.on_proof = on_proof,
		.ctx = t,
	};
	uint64_t begin_ns = hunt_now_ns();
	bool first = sightings_is_first(&t->sightings, f->signature);

	if (!proof_find(&search) && first)
		stats_add(&t->stats->unconfirmed, 1);
	stats_add(&t->stats->ns_confirming, hunt_now_ns() - begin_ns);
}

/* What the fed child has shown; what was not known is confirmed, and told. */
static void judge(struct target *t)
{
	bool any_new = false;

	for (unsigned i = 0; i < t->nfindings; i++)
		any_new |= is_new(t, &t->finding[i]);
	if (t->nfindings)
		stats_add(any_new ? &t->stats->findings : &t->stats->known, 1);
	if (any_new && t->flags.skip)
		sightings_skip(&t->sightings, t->flags.skip);
	for (unsigned i = 0; any_new && i < t->nfindings; i++) {
		const struct verdict_finding *f = &t->finding[i];

		if (is_new(t, f) && sightings_meet(&t->sightings, f->signature))
			confirm(t, f);
	}
}

static uint32_t kinds(const struct target *t, bool new)
{
	uint32_t set = 0;

	for (unsigned i = 0; i < t->nfindings; i++)
		if (is_new(t, &t->finding[i]) == new)
			set |= FINDING_BIT(t->finding[i].finding->kind);
	return set;
}

static void count_edges(struct target *t)
{
	const struct run_feedback *reached = t->result.reached;
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

static void count_result(struct target *t)
{
	const struct feed_result *r = &t->result;

	stats_add(&t->stats->inputs, 1);
	stats_add(&t->stats->executed, r->executed);
	if (r->peak.maps > 0)
		stats_raise(&t->stats->peak_maps, (uint64_t)r->peak.maps);
	count_edges(t);
}

static void count_cost(struct target *t, enum budget b)
{
	struct budget_cost cost = {.ops = t->result.executed, .ballast = t->text.ballast};

	for (int i = 0; i < KCALL_COUNT; i++)
		cost.kernel_calls += t->result.made[i];
	budget_count(&t->account, b, &cost);
}

static void give_feedback(struct target *t, uint64_t goal)
{
	const struct feedback f = {
		.result = &t->result,
		.known = kinds(t, false),
		.fresh = kinds(t, true),
		.goal_milli = goal,
		.no_state = t->flags.no_state,
	};

	feedback_fill(&f, &target_counters);
}

static void take_result(struct target *t)
{
	t->nfindings = feeding_describe(&t->feeding, &t->result, &t->growth, t->finding);
	count_result(t);
	uint64_t goal = climb_measure(&t->climb, &t->text, &t->result);

	give_feedback(t, goal);
	judge(t);
	if (climb_consider(&t->climb, &t->feeding, &t->text, goal))
		stats_raise(&t->stats->worst_milli, t->climb.worst_milli);
}

/* An input that was not run says nothing of the allocator. */
static void take_refusal(struct target *t, int err)
{
	bool broken = err || t->result.end == RUN_END_BROKEN;

	target_counters.always = 1;
	stats_add(&t->stats->refused, 1);
	t->broken = broken ? t->broken + 1 : 0;
	if (t->broken < MOST_BROKEN)
		return;
	cli_complain("%u inputs in a row could not be run: %s", t->broken,
		     err ? strerror(-err) : t->result.reason);
	_exit(EXIT_BROKEN);
}

void target_run(const uint8_t *bytes, size_t len)
{
	struct target *t = &target;
	int err = input_decode(t->input, bytes, len, &t->text);

	t->inputs++;
	if (!err) {
		uint64_t begin_ns = hunt_now_ns(), children = feeding_children(&t->feeding);

		err = feeding_run(&t->feeding, &t->text, &t->result);
		stats_add(&t->stats->ns_child, hunt_now_ns() - begin_ns);
		stats_add(&t->stats->children, feeding_children(&t->feeding) - children);
	}
	if (err || t->result.end == RUN_END_REFUSED || t->result.end == RUN_END_BROKEN) {
		take_refusal(t, err);
		return;
	}
	t->broken = 0;
	count_cost(t, budget_of(len));
	take_result(t);
}
