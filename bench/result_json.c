#include <math.h>
#include <string.h>

#include "bench/result.h"
#include "harness/cli/json_out.h"
#include "harness/cli/run_json.h"

#define SCHEMA	  "allocrig.bench/1"
#define EXACT_MAX 9007199254740992.0 /* 2^53 */

/* What is a count is written as one. JSON has no word for what is not finite: null. */
static json_t *number(double v)
{
	if (!isfinite(v))
		return json_null();
	if (v == rint(v) && fabs(v) < EXACT_MAX)
		return json_integer((json_int_t)v);
	return json_real(v);
}

/* -1: it was not taken. */
static json_t *taken(int64_t v)
{
	return v < 0 ? json_null() : json_integer(v);
}

static void set_count(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer((json_int_t)n));
}

static void set_text(json_t *o, const char *key, const char *text)
{
	json_object_set_new(o, key, json_text(text));
}

static void set_string(json_t *o, const char *key, const char *text)
{
	json_object_set_new(o, key, json_bytes(text, strlen(text)));
}

static void add_key(json_t *o, const struct bench_key *k)
{
	set_string(o, "workload", k->workload);
	set_string(o, "build", k->build);
	set_string(o, "after", k->after);
	set_count(o, "threads", k->threads);
	set_count(o, "rep", k->rep);
	set_count(o, "block", k->block);
	set_count(o, "seed", k->seed);
	set_count(o, "scale_percent", k->scale_percent);
	set_count(o, "time_ns", k->time_ns);
}

/* `name` is what the file of results calls it: that of a file by path may be another. */
static json_t *subject_json(const struct bench_result *r)
{
	static const struct allocator_ref nobody;
	json_t *o = allocator_json(r->ref ? r->ref : &nobody);

	set_string(o, "name", r->key.allocator);
	return o;
}

static json_t *metrics_json(const struct bench_result *r)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < r->nmetrics && i < RESULT_METRICS_MAX; i++) {
		const struct bench_metric *m = &r->metrics[i];
		const struct metric_kind *kind = &metric_kinds[m->id];
		json_t *one = json_object();

		json_object_set_new(one, "value", number(m->value));
		set_string(one, "unit", kind->unit);
		set_string(one, "better", kind->more_is_better ? "more" : "less");
		json_object_set_new(o, m->name, one);
	}
	return o;
}

static json_t *phases_json(const struct bench_result *r)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < r->nphases; i++) {
		const struct result_phase *p = &r->phases[i];
		json_t *o = json_object();

		set_string(o, "name", p->name);
		json_object_set_new(o, "timed", json_boolean(p->timed));
		json_object_set_new(o, "begin_s", number(p->begin_s));
		json_object_set_new(o, "end_s", number(p->end_s));
		set_count(o, "ops", p->ops);
		json_object_set_new(o, "live_bytes", taken(p->live_bytes));
		json_object_set_new(o, "rss_bytes", taken(p->rss));
		json_object_set_new(o, "mapped_bytes", taken(p->mapped));
		json_object_set_new(o, "maps", taken(p->maps));
		json_object_set_new(o, "lazyfree_bytes", taken(p->lazyfree));
		json_object_set_new(o, "anon_huge_bytes", taken(p->anon_huge));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *curve_json(const struct bench_result *r)
{
	json_t *s = json_array(), *rss = json_array(), *mapped = json_array();
	json_t *maps = json_array(), *live = json_array(), *phase = json_array();
	json_t *o = json_object();

	for (uint32_t i = 0; r->points && i < r->npoints; i++) {
		const struct curve_point *p = &r->points[i];

		json_array_append_new(s, number(p->s));
		json_array_append_new(rss, taken(p->rss));
		json_array_append_new(mapped, taken(p->mapped));
		json_array_append_new(maps, taken(p->maps));
		json_array_append_new(live, taken(p->live));
		json_array_append_new(phase, json_integer(p->phase));
	}
	json_object_set_new(o, "s", s);
	json_object_set_new(o, "rss", rss);
	json_object_set_new(o, "mapped", mapped);
	json_object_set_new(o, "maps", maps);
	json_object_set_new(o, "live", live);
	json_object_set_new(o, "phase", phase);
	return o;
}

static json_t *instrumentation_json(const struct bench_result *r)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < 8 && r->instrumentation[i]; i++)
		json_array_append_new(list, json_string(r->instrumentation[i]));
	return list;
}

static json_t *machine_of(const struct bench_result *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "before", machine_state_json(&r->before));
	json_object_set_new(o, "after", machine_state_json(&r->after));
	return o;
}

/* Settings may be changed between two runs, so they are read for each. */
static json_t *bench_host_json(void)
{
	json_t *o = host_json();
	struct machine_setting *m = machine_read();
	json_t *more = m ? machine_json(m) : NULL;

	if (more)
		json_object_update_missing(o, more);
	json_decref(more);
	machine_free(m);
	return o;
}

json_t *result_json(const struct bench_result *r)
{
	json_t *o = json_object();

	if (!o)
		return NULL;
	json_object_set_new(o, "schema", json_string(SCHEMA));
	add_key(o, &r->key);
	json_object_set_new(o, "allocator", subject_json(r));
	set_string(o, "status", status_name(r->status));
	set_text(o, "why", r->why);
	json_object_set_new(o, "metrics", metrics_json(r));
	json_object_set_new(o, "phases", phases_json(r));
	json_object_set_new(o, "curve", curve_json(r));
	json_object_set_new(o, "instrumentation", instrumentation_json(r));
	json_object_set_new(o, "machine", machine_of(r));
	json_object_set_new(o, "host", bench_host_json());
	json_object_set_new(o, "wall_s", number(r->wall_s));
	json_object_set_new(o, "user_s", number(r->user_s));
	json_object_set_new(o, "system_s", number(r->system_s));
	if (r->more)
		json_object_update_missing(o, r->more);
	return o;
}
