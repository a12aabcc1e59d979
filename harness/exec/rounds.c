/*
 * rounds.c - the accounts at the end of each round of an outermost `repeat`, for the growth oracle.
 */
#include "harness/exec/child.h"

#define RSS_SAMPLES 128 /* at most so many rounds of a loop */

/* A power of two, as are the distances at which the oracle keeps samples. */
static uint64_t rss_stride(uint64_t rounds)
{
	uint64_t stride = 1;

	while (rounds / stride > RSS_SAMPLES)
		stride *= 2;
	return stride;
}

static void sample(struct child *c, const struct cursor_round *r)
{
	const struct ledger_counts *now = ledger_now(c->ledger);
	struct growth_sample s = {
		.round = r->round,
		.value = {now->maps_by[CALLER_ALLOCATOR], now->mapped_by[CALLER_ALLOCATOR], -1},
		.program_bytes = (uint64_t)now->mapped_by[CALLER_PROGRAM],
		.refused = c->round_refused,
	};
	struct snapshot snapshot;

	/* What is resident costs as much as there are maps: of some rounds alone. */
	if (c->shared->config.sampling && r->round % rss_stride(r->rounds) == 0 &&
	    accounts_take(c->accounts, SNAPSHOT_RSS, &snapshot) == 0)
		s.value[GROWTH_RSS] = snapshot.rss_bytes;
	model_live(c->model, &s.live_blocks, &s.live_bytes);
	growth_add(c->growth, &s);
	c->round_refused = false;
}

/* In a run whose loops are stretched only what was suspected is of interest. */
static bool rises(struct child *c, const struct cursor_round *r, struct growth_line *ret_line)
{
	const struct run_config *cfg = &c->shared->config;

	if (!cfg->stretch)
		return growth_judge(c->growth, ret_line);
	return r->stmt == cfg->stretch_stmt &&
	       growth_judge_metric(c->growth, cfg->stretch_metric, ret_line);
}

static void judge(struct child *c, const struct cursor_round *r)
{
	struct run_growth *ret = &c->shared->growth;
	struct growth_line line;

	if (ret->suspected || !rises(c, r, &line))
		return;
	*ret = (struct run_growth){.suspected = 1, .stmt = (int32_t)r->stmt, .line = line};
}

void rounds_note(struct child *c)
{
	const struct cursor_round *r = cursor_last_round(c->cursor);

	c->round_ends = r->ends;
	if (c->again || !ledger_is_exact(c->ledger))
		return;
	if (r->round == 0)
		growth_begin(c->growth);
	if (growth_wants(c->growth, r->round))
		sample(c, r);
	if (r->last)
		judge(c, r);
}
