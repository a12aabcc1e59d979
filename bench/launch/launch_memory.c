#include <math.h>

#include "bench/launch/launch_run.h"
#include "harness/kernel/accounts.h"

/* Below so much live, one page more or less is all that a ratio tells of. */
#define LIVE_LEAST (64 << 10)
/* What counts as resident at its highest. */
#define NEAR_PEAK 0.99

unsigned launch_own_phases(const struct launch_run *run)
{
	unsigned n = run->copy->nphases;

	return run->q->in.after != BENCH_AFTER_NOTHING && n ? n - 1 : n;
}

/* The highest of samples. */
struct highest {
	int64_t rss, mapped, maps;
};

static struct highest highest_of(const struct launch_run *run)
{
	struct highest h = {-1, -1, -1};

	for (size_t i = 0; i < run->curve.n; i++) {
		const struct curve_point *p = &run->curve.v[i].at;

		if (p->phase >= launch_own_phases(run))
			break;
		h.rss = p->rss > h.rss ? p->rss : h.rss;
		h.mapped = p->mapped > h.mapped ? p->mapped : h.mapped;
		h.maps = p->maps > h.maps ? p->maps : h.maps;
	}
	return h;
}

static void add_known(struct bench_result *r, enum metric_id id, int64_t value)
{
	if (value >= 0)
		result_add(r, id, (double)value);
}

/*
 * The kernel's own high-water marks see what comes and goes between two samples. A mark that has
 * not risen since the workload began is of before.
 */
static int64_t with_mark(int64_t sampled, int64_t mark, int64_t mark_before, int64_t before)
{
	if (mark < 0 || before < 0 || mark <= mark_before || mark - before < sampled)
		return sampled;
	return mark - before;
}

static void add_peaks(const struct launch_run *run, struct bench_result *r)
{
	const struct launch_stop *first = &run->stops[0];
	const struct launch_stop *last = &run->stops[launch_own_phases(run)];
	struct highest h = highest_of(run);
	int64_t own = (int64_t)(last->own - first->own);
	int64_t limit = accounts_max_map_count();

	add_known(r, METRIC_PEAK_MAPS, h.maps);
	if (h.maps >= 0 && first->exact.maps >= 0 && limit > 0)
		result_add(r, METRIC_HEADROOM_MAPS, (double)(limit - first->exact.maps - h.maps));
	add_known(r, METRIC_PEAK_RSS,
		  with_mark(h.rss, last->peaks.rss, first->peaks.rss, first->quick.rss + own));
	add_known(
		r, METRIC_PEAK_MAPPED,
		with_mark(h.mapped, last->peaks.mapped, first->peaks.mapped, first->quick.mapped));
}

static const struct curve_sample *exact_end(const struct launch_run *run, unsigned phase)
{
	const struct curve_sample *found = NULL;

	for (size_t i = 0; i < run->curve.n; i++)
		if (run->curve.v[i].is_exact && run->curve.v[i].at.phase == phase)
			found = &run->curve.v[i];
	return found;
}

static void add_final(const struct launch_run *run, struct bench_result *r)
{
	const struct curve_sample *s = exact_end(run, launch_own_phases(run) - 1);

	if (!s)
		return;
	add_known(r, METRIC_FINAL_MAPS, s->at.maps);
	add_known(r, METRIC_FINAL_RSS, s->at.rss);
	add_known(r, METRIC_FINAL_MAPPED, s->at.mapped);
	if (s->at.rss >= 0 && s->at.live >= 0)
		result_add(r, METRIC_RESIDUE, fmax(0, (double)(s->at.rss - s->at.live)));
}

static double peak_fragmentation(const struct launch_run *run, int64_t peak)
{
	const struct curve_point *best = NULL;

	for (size_t i = 0; i < run->curve.n; i++) {
		const struct curve_point *p = &run->curve.v[i].at;

		if (p->phase >= launch_own_phases(run))
			break;
		if ((double)p->rss >= NEAR_PEAK * (double)peak && p->live >= LIVE_LEAST &&
		    (!best || p->live > best->live))
			best = p;
	}
	return best ? (double)best->rss / (double)best->live : NAN;
}

/* Between two samples things are as at the first; while the process stands still, time does too. */
static double mean_fragmentation(const struct launch_run *run)
{
	double rss = 0, live = 0;

	for (size_t i = 0; i + 1 < run->curve.n; i++) {
		const struct curve_sample *s = &run->curve.v[i], *next = s + 1;

		if (s->at.phase >= launch_own_phases(run))
			break;
		if (s->at.phase != next->at.phase || s->at.live < LIVE_LEAST || s->at.rss < 0)
			continue;
		rss += (double)s->at.rss * (double)(next->ns - s->ns);
		live += (double)s->at.live * (double)(next->ns - s->ns);
	}
	return live > 0 ? rss / live : NAN;
}

void launch_memory(const struct launch_run *run, struct bench_result *r)
{
	add_peaks(run, r);
	add_final(run, r);
	result_add(r, METRIC_PEAK_FRAGMENTATION, peak_fragmentation(run, highest_of(run).rss));
	/* Ends of phases alone are no mean over time. */
	if (run->q->curve)
		result_add(r, METRIC_MEAN_FRAGMENTATION, mean_fragmentation(run));
}
