/*
 * rounds.c - the accounts at the end of each round of an outermost `repeat`, for the growth oracle.
 */
#include "harness/exec/child.h"

#define RSS_SAMPLES 128 /* at most so many rounds of a loop */
/*
 * A sample takes 5 us, as long as three rounds of a small loop. In a fed program a loop gets one
 * when a quarter and one when a half of it is over, and more only if those rise: a fifth of what
 * so many rounds take at least. Shorter loops have too few samples behind them to be judged.
 */
#define RSS_FED_ROUNDS 32

/* A power of two, as are the distances at which the oracle keeps samples. */
static uint64_t rss_stride(uint64_t rounds)
{
	uint64_t stride = 1;

	while (rounds / stride > RSS_SAMPLES)
		stride *= 2;
	return stride;
}

static bool wants_rss_fed(const struct child *c, const struct cursor_round *r)
{
	uint64_t stride = rss_stride(r->rounds), half = r->rounds / 2 / stride * stride;

	if (r->rounds < RSS_FED_ROUNDS || r->round % stride != 0)
		return false;
	return r->round == half / 2 / stride * stride || r->round == half ||
	       (r->round > half && c->rss_rises);
}

/* What is resident costs as much as there are maps: of some rounds alone. */
static bool wants_rss(const struct child *c, const struct cursor_round *r)
{
	const struct run_config *cfg = &c->shared->config;

	if (cfg->fed)
		return wants_rss_fed(c, r);
	return cfg->sampled_rounds && r->round % rss_stride(r->rounds) == 0;
}

static void take_rss(struct child *c, struct growth_sample *s)
{
	struct snapshot snapshot;

	if (accounts_take(c->accounts, SNAPSHOT_RSS, &snapshot) != 0)
		return;
	s->value[GROWTH_RSS] = snapshot.rss_bytes;
	c->rss_rises = c->first_rss >= 0 && snapshot.rss_bytes > c->first_rss;
	if (c->first_rss < 0)
		c->first_rss = snapshot.rss_bytes;
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

	if (wants_rss(c, r))
		take_rss(c, &s);
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
	if (r->round == 0) {
		growth_begin(c->growth, c->shared->config.fed);
		c->first_rss = -1;
	}
	if (growth_wants(c->growth, r->round))
		sample(c, r);
	if (r->last)
		judge(c, r);
}
