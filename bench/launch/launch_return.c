#include <math.h>

#include "bench/launch/launch_run.h"

/* Where less was freed than this, there is nothing to give back in parts. */
#define FREED_LEAST (1 << 20)

/* The samples of the phase "after", and what there was before it. */
struct aftermath {
	const struct curve_sample *v;
	size_t n;
	uint64_t begin_ns;
	double peak; /* resident at its highest in the last phase of the workload's own */
	double live; /* at the end of that phase */
};

static bool aftermath_find(const struct launch_run *run, struct aftermath *ret)
{
	struct aftermath a = {.peak = -1};
	unsigned after = launch_own_phases(run);

	for (size_t i = 0; i < run->curve.n; i++) {
		const struct curve_sample *s = &run->curve.v[i];

		if (s->at.phase + 1 == after)
			a.peak = fmax(a.peak, (double)s->at.rss);
		if (s->at.phase != after)
			continue;
		a.v = a.n ? a.v : s;
		a.n++;
	}
	if (!a.n || a.v[0].at.rss < 0 || a.v[0].at.live < 0)
		return false;
	a.begin_ns = a.v[0].ns;
	a.live = (double)a.v[0].at.live;
	*ret = a;
	return true;
}

static double since(const struct aftermath *a, const struct curve_sample *s)
{
	return (double)(s->ns - a->begin_ns) / 1e9;
}

static double kept(const struct curve_sample *s)
{
	return fmax(0, (double)(s->at.rss - s->at.live));
}

/* As it was at the last sample until then; NAN: it was not watched as long. */
static double kept_at(const struct aftermath *a, double s)
{
	double value = NAN;

	if (since(a, &a->v[a->n - 1]) < s)
		return NAN;
	for (size_t i = 0; i < a->n && since(a, &a->v[i]) <= s; i++)
		value = kept(&a->v[i]);
	return value;
}

static double area(const struct aftermath *a)
{
	double sum = 0;

	for (size_t i = 0; i + 1 < a->n; i++)
		sum += kept(&a->v[i]) * (since(a, &a->v[i + 1]) - since(a, &a->v[i]));
	return sum;
}

/* Seconds until so much of what was freed is back with the kernel; NAN: not while watched. */
static double time_of(const struct aftermath *a, double share)
{
	double goal = a->peak - share * (a->peak - a->live);

	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].at.rss >= 0 && (double)a->v[i].at.rss <= goal)
			return since(a, &a->v[i]);
	return NAN;
}

static json_t *seconds_or_never(double s)
{
	return isfinite(s) ? json_real(s) : json_null();
}

/* Beside the metrics: there "not while it was watched" is a metric that is missing. */
static void add_more(const struct aftermath *a, struct bench_result *r)
{
	json_t *o = json_object();
	bool freed = a->peak - a->live >= FREED_LEAST;

	json_object_set_new(o, "watched_s", json_real(since(a, &a->v[a->n - 1])));
	json_object_set_new(o, "peak_rss_bytes", json_integer((json_int_t)a->peak));
	json_object_set_new(o, "live_bytes", json_integer((json_int_t)a->live));
	json_object_set_new(o, "anything_freed", json_boolean(freed));
	json_object_set_new(o, "t50_s", seconds_or_never(freed ? time_of(a, 0.5) : NAN));
	json_object_set_new(o, "t90_s", seconds_or_never(freed ? time_of(a, 0.9) : NAN));
	json_object_set_new(r->more, "given_back", o);
}

void launch_return(const struct launch_run *run, struct bench_result *r)
{
	struct aftermath a;

	if (run->q->in.after == BENCH_AFTER_NOTHING || !aftermath_find(run, &a))
		return;
	result_add(r, METRIC_KEPT_0S, kept_at(&a, 0));
	if (!run->q->curve)
		return;
	result_add(r, METRIC_KEPT_1S, kept_at(&a, 1));
	result_add(r, METRIC_KEPT_10S, kept_at(&a, 10));
	result_add(r, METRIC_KEPT_AREA, area(&a));
	if (a.peak - a.live >= FREED_LEAST) {
		result_add(r, METRIC_T50, time_of(&a, 0.5));
		result_add(r, METRIC_T90, time_of(&a, 0.9));
	}
	add_more(&a, r);
}
