#include "fuzz/feedback.h"

#include <string.h>

#include "fuzz/goal.h"

#define PAGE 4096
#define MIB  (UINT64_C(1) << 20)

unsigned feedback_level(uint64_t value, unsigned per_octave, unsigned most)
{
	if (value == 0)
		return 0;
	unsigned octave = 63 - (unsigned)__builtin_clzll(value);
	uint64_t above = value - (UINT64_C(1) << octave);
	/* Within an octave in even steps; above 2^58 what is below a step gets lost. */
	uint64_t step = octave < 58 ? (above * per_octave) >> octave
				    : (above >> (octave - 57)) * per_octave >> 57;
	uint64_t level = 1 + (uint64_t)octave * per_octave + step;

	return level < most ? (unsigned)level : most;
}

static uint64_t positive(int64_t n)
{
	return n > 0 ? (uint64_t)n : 0;
}

static uint64_t refusals(const struct feed_result *r)
{
	uint64_t n = 0;

	for (int i = 0; i < KCALL_COUNT; i++)
		n += r->refused[i];
	return n;
}

static uint64_t eighths(int64_t bytes, uint64_t live)
{
	return goal_ratio(positive(bytes), live, MIB) / 125;
}

static void read_gauges(const struct feed_result *r, uint64_t value[GAUGES])
{
	value[GAUGE_MAPS] = positive(r->peak.maps);
	value[GAUGE_MAPPED] = eighths(r->peak.mapped_bytes, r->live_peak_bytes);
	value[GAUGE_RESIDENT] = r->resident ? eighths(r->kept.rss_bytes, r->live_peak_bytes) : 0;
	value[GAUGE_KEPT_MAPS] = positive(r->kept.maps);
	value[GAUGE_KEPT_BYTES] = positive(r->kept.mapped_bytes) / PAGE;
	value[GAUGE_LOST] = r->lost.measured ? positive(r->lost.bytes) / PAGE : 0;
	value[GAUGE_REFUSED] = refusals(r);
	value[GAUGE_NULLS] = r->null_at_refusal;
	value[GAUGE_OPS] = r->executed;
}

static void fill_kinds(uint8_t *to, uint32_t kinds)
{
	for (unsigned i = 0; i < FINDING_KINDS; i++)
		if (kinds & FINDING_BIT(i))
			to[i] = 1;
}

static void fill_edges(const struct run_feedback *reached, uint8_t *to)
{
	uint32_t n = reached->nedges < FEEDBACK_EDGES ? reached->nedges : FEEDBACK_EDGES;
	uint32_t plain = n < FEEDBACK_EDGE_PLACES ? n : FEEDBACK_EDGE_PLACES;

	memcpy(to, reached->edges, plain);
	for (uint32_t i = plain; i < n; i++)
		to[i % FEEDBACK_EDGE_PLACES] |= reached->edges[i];
}

static void fill_states(const struct feedback *f, struct feedback_counters *c)
{
	uint64_t value[GAUGES];

	fill_kinds(c->known, f->known);
	fill_kinds(c->fresh, f->fresh);
	read_gauges(f->result, value);
	for (int i = 0; i < GAUGES; i++)
		memset(c->gauge[i], 1,
		       feedback_level(value[i], FEEDBACK_PER_OCTAVE, FEEDBACK_LEVELS));
	memset(c->goal, 1,
	       feedback_level(f->goal_milli, FEEDBACK_GOAL_PER_OCTAVE, FEEDBACK_GOAL_LEVELS));
	if (f->result->reached)
		memcpy(c->states, f->result->reached->states, sizeof(c->states));
}

void feedback_fill(const struct feedback *f, struct feedback_counters *counters)
{
	counters->always = 1;
	if (f->result->reached)
		fill_edges(f->result->reached, counters->edges);
	if (!f->no_state)
		fill_states(f, counters);
}
