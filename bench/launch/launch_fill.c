#include <stdlib.h>
#include <string.h>

#include "bench/launch/launch_run.h"

static double seconds(const struct launch_run *run, uint64_t ns)
{
	uint64_t zero = run->copy->phases[0].begin_ns;

	return ns > zero ? (double)(ns - zero) / 1e9 : 0;
}

static void fill_phase(const struct launch_run *run, unsigned i, struct result_phase *to)
{
	const struct bench_phase *ph = &run->copy->phases[i];
	const struct launch_stop *stop = &run->stops[i + 1];

	*to = (struct result_phase){
		.timed = ph->timed,
		.begin_s = seconds(run, ph->begin_ns),
		.end_s = seconds(run, ph->end_ns),
		.ops = ph->ops,
		.live_bytes = ph->live_bytes,
		.rss = -1,
		.mapped = -1,
		.maps = -1,
		.lazyfree = stop->exact.lazyfree,
		.anon_huge = stop->exact.anon_huge,
	};
	memcpy(to->name, ph->name, sizeof(to->name));
}

/* Of the two exact samples of a phase the later one is of its end. */
static void fill_phases(const struct launch_run *run, struct bench_result *r)
{
	r->nphases = run->copy->nphases;
	for (unsigned i = 0; i < r->nphases; i++)
		fill_phase(run, i, &r->phases[i]);
	for (size_t i = 0; i < run->curve.n; i++) {
		const struct curve_sample *s = &run->curve.v[i];

		if (!s->is_exact || s->at.phase >= r->nphases)
			continue;
		r->phases[s->at.phase].rss = s->at.rss;
		r->phases[s->at.phase].mapped = s->at.mapped;
		r->phases[s->at.phase].maps = s->at.maps;
	}
}

static void fill_curve(struct launch_run *run, struct bench_result *r)
{
	struct curve *c = &run->curve;

	/* Of the last stop also a begin was kept, of a phase that never came. */
	while (c->n && c->v[c->n - 1].at.phase >= run->copy->nphases)
		c->n--;
	curve_thin(c, RESULT_CURVE_MAX);
	r->points = calloc(c->n ? c->n : 1, sizeof(*r->points));
	if (!r->points)
		return;
	for (size_t i = 0; i < c->n; i++) {
		r->points[i] = c->v[i].at;
		r->points[i].s = seconds(run, c->v[i].ns);
	}
	r->npoints = (uint32_t)c->n;
}

static void add_instrumentation(const struct launch_run *run, struct bench_result *r)
{
	const struct bench_sampled *s = &run->copy->sampled;
	unsigned n = 0;

	r->instrumentation[n++] = "stops-at-phase-ends";
	if (run->q->curve) {
		r->instrumentation[n++] = "statm-every-5-ms";
		r->instrumentation[n++] = "maps-1-percent";
	}
	if (s->every)
		r->instrumentation[n++] = "latency-sampling";
	if (s->every && !s->unsupported[0])
		r->instrumentation[n++] = "syscall-user-dispatch";
	r->instrumentation[n] = NULL;
}

static void set_count(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer((json_int_t)n));
}

/* How figures came to be, and what was taken off them. */
static void add_measuring(const struct launch_run *run, struct bench_result *r)
{
	const struct launch_stop *first = &run->stops[0], *last = &run->stops[run->nstops - 1];
	bool has_rollup = first->exact.lazyfree >= 0;
	bool has_mark = last->peaks.rss > first->peaks.rss;
	json_t *o = json_object();

	json_object_set_new(o, "rss", json_string(has_rollup ? "smaps_rollup" : "statm"));
	json_object_set_new(o, "peak_rss", json_string(has_mark ? "VmHWM" : "samples"));
	json_object_set_new(o, "peak_rss_reset", json_boolean(run->peak_is_reset));
	json_object_set_new(o, "peak_maps",
			    json_string(run->maps_samples ? "samples" : "ends of phases"));
	set_count(o, "statm_samples", run->nsamples);
	set_count(o, "maps_samples", run->maps_samples);
	set_count(o, "maps_read_ns", run->maps_ns);
	json_object_set_new(o, "curve_thinned", json_boolean(run->curve.is_thinned));
	json_object_set_new(o, "rss_before_bytes", json_integer(first->exact.rss));
	json_object_set_new(o, "mapped_before_bytes", json_integer(first->exact.mapped));
	json_object_set_new(o, "maps_before", json_integer(first->exact.maps));
	set_count(o, "own_bytes", last->own);
	json_object_set_new(r->more, "measuring", o);
}

void launch_fill(struct launch_run *run, struct bench_result *r)
{
	fill_phases(run, r);
	launch_memory(run, r);
	launch_return(run, r);
	launch_speed(run, r);
	add_instrumentation(run, r);
	fill_curve(run, r);
	add_measuring(run, r);
}
