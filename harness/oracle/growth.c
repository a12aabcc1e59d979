/*
 * The judged samples of a metric are cut into windows of as many samples each, and each window is
 * its mean: steps and saw-teeth shorter than a window, and noise, average out. The means of a line
 * rise evenly. What must hold for them is below, next to its bound.
 */
#include "harness/oracle/growth.h"

#include <errno.h>

#include "harness/prog/op.h"

#define WINDOWS 8
#define HALF	(WINDOWS / 2)

/* From one window to the next at least this part of what they rise on average. */
#define LEAST_EVEN 0.5
/*
 * The later half against the earlier. A square root, the fastest of the high-water marks, comes to
 * 0.73, a logarithm to 0.53, a cache that is filled by 1 - 1/e in the rounds that are judged, 0.6.
 */
#define LEAST_STEADY 0.8
/* The slope of a run that is GROWTH_STRETCH times as long: of a square root 0.5. */
#define LEAST_CONFIRMED 0.6

/*
 * Less than this in all the rounds that are judged is a trifle: chunks of metadata, a cache line
 * up. For a suspicion a part of it will do, as the longer run asks for all.
 */
static const double least_rise[GROWTH_METRICS] = {
	[GROWTH_MAPS] = 8,
	[GROWTH_MAPPED] = 256 << 10,
	[GROWTH_RSS] = 256 << 10,
};
static const double least_suspected[GROWTH_METRICS] = {
	[GROWTH_MAPS] = 8,
	[GROWTH_MAPPED] = 256.0 * 1024 / GROWTH_STRETCH,
	[GROWTH_RSS] = 256.0 * 1024 / GROWTH_STRETCH,
};

struct growth {
	uint32_t n;
	bool late;
	bool refused_between; /* in a sample that was dropped since the last one kept */
	uint64_t stride;      /* rounds that are multiples of it are kept */
	struct growth_sample v[GROWTH_SAMPLES];
};

/* What is compared: rounds that ended in the same state, side by side. */
struct series {
	uint32_t n;
	double round[GROWTH_SAMPLES], value[GROWTH_SAMPLES];
};

struct window {
	double round, value;
};

size_t growth_arena_bytes(void)
{
	return sizeof(struct growth) + _Alignof(max_align_t);
}

int growth_new(struct arena *a, struct growth **ret_growth)
{
	/* Samples are written before they are read. */
	struct growth *g = arena_take_raw(a, sizeof(*g), _Alignof(max_align_t));

	if (!g)
		return -ENOMEM;
	growth_begin(g, false);
	*ret_growth = g;
	return 0;
}

void growth_begin(struct growth *g, bool late)
{
	g->late = late;
	g->n = 0;
	g->stride = 1;
	g->refused_between = false;
}

bool growth_wants(const struct growth *g, uint64_t round)
{
	return round % g->stride == 0;
}

/* Keeps the samples whose rounds are multiples of twice the stride. */
static void thin_out(struct growth *g)
{
	uint32_t kept = 0;
	bool refused = false;

	g->stride *= 2;
	for (uint32_t i = 0; i < g->n; i++) {
		refused |= g->v[i].refused;
		if (!growth_wants(g, g->v[i].round))
			continue;
		g->v[kept] = g->v[i];
		g->v[kept++].refused = refused;
		refused = false;
	}
	g->n = kept;
	g->refused_between = refused;
}

void growth_add(struct growth *g, const struct growth_sample *s)
{
	/* A caller whose rounds do not ascend gets no further. */
	while (g->n == GROWTH_SAMPLES && g->stride <= UINT64_MAX / 2)
		thin_out(g);
	if (g->n == GROWTH_SAMPLES || !growth_wants(g, s->round)) {
		g->refused_between |= s->refused;
		return;
	}
	g->v[g->n] = *s;
	g->v[g->n++].refused |= g->refused_between;
	g->refused_between = false;
}

static bool same_state(const struct growth_sample *a, const struct growth_sample *b)
{
	return a->live_blocks == b->live_blocks && a->live_bytes == b->live_bytes &&
	       a->program_bytes == b->program_bytes;
}

static uint32_t times_met(const struct growth *g, const struct growth_sample *s)
{
	uint32_t times = 0;

	for (uint32_t k = 0; k < g->n; k++)
		times += same_state(s, &g->v[k]);
	return times;
}

/* Where more than half of the rounds end in one state, pairs of others leave that one. */
static const struct growth_sample *majority(const struct growth *g)
{
	const struct growth_sample *left = NULL;
	uint32_t lead = 0;

	for (uint32_t i = 0; i < g->n; i++) {
		if (!lead)
			left = &g->v[i];
		if (same_state(left, &g->v[i]))
			lead++;
		else
			lead--;
	}
	return left && times_met(g, left) > g->n / 2 ? left : NULL;
}

/* A sample with the state that most rounds end in, the latest of several such states. */
static const struct growth_sample *usual_sample(const struct growth *g)
{
	const struct growth_sample *usual = majority(g);
	uint32_t most = 0;

	if (usual)
		return usual;
	for (uint32_t i = 0; i < g->n; i++) {
		uint32_t times = times_met(g, &g->v[i]);

		if (times >= most) {
			most = times;
			usual = &g->v[i];
		}
	}
	return usual;
}

/*
 * Where rounds were refused something the series goes on at the value that it had before: time and
 * growth stand still there.
 */
static void series_of(const struct growth *g, enum growth_metric metric, struct series *s)
{
	const struct growth_sample *usual = usual_sample(g);
	double round_off = 0, value_off = 0;
	bool refused = false;

	s->n = 0;
	for (uint32_t i = 0; i < g->n; i++) {
		const struct growth_sample *v = &g->v[i];

		refused |= v->refused;
		if (v->refused || v->value[metric] < 0 || !same_state(v, usual))
			continue;
		if (refused && s->n) {
			round_off = s->round[s->n - 1] - (double)v->round;
			value_off = s->value[s->n - 1] - (double)v->value[metric];
		}
		refused = false;
		s->round[s->n] = (double)v->round + round_off;
		s->value[s->n++] = (double)v->value[metric] + value_off;
	}
}

static struct window window_of(const struct series *s, uint32_t from, uint32_t to)
{
	struct window w = {0};

	for (uint32_t i = from; i < to; i++) {
		w.round += s->round[i] / (to - from);
		w.value += s->value[i] / (to - from);
	}
	return w;
}

static double slope(struct window a, struct window b)
{
	return b.round > a.round ? (b.value - a.value) / (b.round - a.round) : 0;
}

static bool windows_rise_evenly(const struct window w[WINDOWS])
{
	double mean = slope(w[0], w[WINDOWS - 1]);

	for (int i = 1; i < WINDOWS; i++)
		if (slope(w[i - 1], w[i]) < LEAST_EVEN * mean)
			return false;
	return slope(w[HALF], w[WINDOWS - 1]) >= LEAST_STEADY * slope(w[0], w[HALF - 1]);
}

static bool rises(const struct growth *g, enum growth_metric metric, double least,
		  struct growth_line *ret_line)
{
	struct window w[WINDOWS];
	struct series s;

	series_of(g, metric, &s);
	if (s.n < GROWTH_LEAST_ROUNDS)
		return false;
	uint32_t warm = s.n / 4;

	for (uint32_t i = 0; i < WINDOWS; i++)
		w[i] = window_of(&s, warm + (s.n - warm) * i / WINDOWS,
				 warm + (s.n - warm) * (i + 1) / WINDOWS);
	double rounds = s.round[s.n - 1] - s.round[warm];
	double per_round = slope(w[0], w[WINDOWS - 1]);

	if (!windows_rise_evenly(w) || per_round * rounds < least)
		return false;
	*ret_line = (struct growth_line){metric, per_round, (int64_t)(per_round * rounds + 0.5),
					 (uint64_t)rounds};
	return true;
}

bool growth_judge_metric(const struct growth *g, enum growth_metric metric,
			 struct growth_line *ret_line)
{
	return rises(g, metric, least_rise[metric], ret_line);
}

bool growth_judge(const struct growth *g, struct growth_line *ret_line)
{
	for (int metric = 0; metric < GROWTH_METRICS; metric++) {
		double least = least_suspected[metric];

		if (metric == GROWTH_RSS && g->late)
			least /= 2;
		if (rises(g, (enum growth_metric)metric, least, ret_line))
			return true;
	}
	return false;
}

bool growth_confirms(const struct growth_line *first, const struct growth_line *stretched)
{
	return first->metric == stretched->metric &&
	       stretched->per_round >= LEAST_CONFIRMED * first->per_round &&
	       first->per_round >= LEAST_CONFIRMED * stretched->per_round;
}

void growth_finding(int32_t stmt, const struct growth_line *line, struct finding *ret_f)
{
	*ret_f = (struct finding){
		.kind = line->metric == GROWTH_MAPS ? FINDING_MAP_GROWTH : FINDING_FOOTPRINT_GROWTH,
		.rule = RULE_GROWTH_MAPS + line->metric,
		.op_code = OP_REPEAT,
		.stmt = stmt,
		.count = 1,
		.n = {(uint64_t)(line->per_round * 1000 + 0.5), (uint64_t)line->risen,
		      line->rounds},
	};
}

int growth_line_of(const struct finding *f, struct growth_line *ret_line)
{
	if (f->rule < RULE_GROWTH_MAPS || f->rule > RULE_GROWTH_RSS)
		return -EINVAL;
	*ret_line = (struct growth_line){(enum growth_metric)(f->rule - RULE_GROWTH_MAPS),
					 (double)f->n[0] / 1000, (int64_t)f->n[1], f->n[2]};
	return 0;
}
