#include "harness/cli/fuzz_clock.h"
#include "harness/cli/fuzz_report.h"
#include "harness/cli/run_json.h"

static void set_count(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer((json_int_t)n));
}

static json_t *path_json(const struct fuzz_session *s, const char *below, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s/%s", s->path, below, name) < 0)
		return json_null();
	json_t *o = json_text(path);

	free(path);
	return o;
}

static json_t *findings_json(const struct fuzz_session *s)
{
	static const char *const states[] = {
		[FOLDER_FOUND] = "found",
		[FOLDER_CONFIRMED] = "confirmed",
		[FOLDER_SHRUNK] = "shrunk",
		[FOLDER_LEFT] = "left",
	};
	json_t *list = json_array();

	for (size_t i = 0; i < s->filing.n; i++) {
		const struct filed *f = &s->filing.list[i];
		json_t *o = json_object();

		json_object_set_new(o, "signature", json_text(f->signature));
		json_object_set_new(o, "message", json_text(f->message));
		json_object_set_new(o, "path", path_json(s, "findings", f->name));
		json_object_set_new(o, "state", json_string(states[f->state]));
		json_object_set_new(o, "new", json_boolean(f->is_new));
		json_object_set_new(o, "known", json_boolean(f->known));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *row_json(const struct climb_row *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "allocator", json_text(r->name));
	json_object_set_new(o, "value",
			    r->measured ? json_real((double)r->milli / 1000) : json_null());
	json_object_set_new(o, "peak_maps",
			    r->measured ? json_integer((json_int_t)r->peak_maps) : json_null());
	json_object_set_new(o, "reason", json_text(r->why_not));
	return o;
}

static json_t *climb_json(const struct fuzz_session *s)
{
	if (s->store.goal < 0)
		return json_null();
	enum fuzz_goal goal = (enum fuzz_goal)s->store.goal;
	json_t *o = json_object(), *rows = json_array();
	char name[32];

	snprintf(name, sizeof(name), "%s.prog", fuzz_goal_name(goal));
	for (unsigned i = 0; i < s->climb.n; i++)
		json_array_append_new(rows, row_json(&s->climb.row[i]));
	json_object_set_new(o, "goal", json_string(fuzz_goal_name(goal)));
	json_object_set_new(o, "unit", json_string(climb_unit(goal)));
	json_object_set_new(o, "value", json_real((double)s->store.worst[goal] / 1000));
	json_object_set_new(o, "program", s->climb.n ? path_json(s, "worst", name) : json_null());
	json_object_set_new(o, "compared", rows);
	return o;
}

static json_t *instrumentation_json(const struct fuzz_totals *t)
{
	json_t *list = json_array();

	json_array_append_new(list, json_string("oracles"));
	json_array_append_new(list, json_string("tape"));
	json_array_append_new(list, json_string("state"));
	if (t->edges)
		json_array_append_new(list, json_string("edges"));
	return list;
}

static void add_setting(json_t *o, const struct fuzz_session *s)
{
	const struct runner_options *r = &s->cmd->options.runner;

	json_object_set_new(o, "load", json_string(r->load == LOAD_DLOPEN ? "dlopen" : "preload"));
	set_count(o, "seed", r->seed);
	set_count(o, "jobs", s->targets_plan.jobs);
	set_count(o, "hang_ns", r->hang_ns);
	json_object_set_new(o, "strict", json_boolean(r->strict));
	json_object_set_new(o, "interrupted", json_boolean(s->interrupted));
}

json_t *fuzz_report_json(const struct fuzz_session *s)
{
	struct fuzz_totals own = session_own(s), all = session_totals(s);
	const struct subject *other = s->cmd->other ? &s->cmd->other_subject : NULL;
	json_t *o = json_object();

	if (!o)
		return NULL;
	json_object_set_new(o, "schema", json_string("allocrig.fuzz/1"));
	json_object_set_new(o, "allocator", allocator_json(&s->subject->ref));
	json_object_set_new(o, "other", other ? allocator_json(&other->ref) : json_null());
	json_object_set_new(o, "outcome", json_string(outcome_name(s->outcome)));
	json_object_set_new(o, "reason", json_text(s->reason));
	json_object_set_new(o, "out", json_text(s->path));
	add_setting(o, s);
	json_object_set_new(o, "inputs_per_second",
			    own.fuzzed_ns ? json_real((double)own.inputs * FUZZ_NS_PER_S /
						      (double)own.fuzzed_ns)
					  : json_null());
	json_object_set_new(o, "session", totals_json(&own));
	json_object_set_new(o, "total", totals_json(&all));
	set_count(o, "corpus", s->corpus);
	set_count(o, "new", s->filing.nnew);
	set_count(o, "earlier", s->filing.n - s->filing.nnew);
	set_count(o, "not_shrunk", worker_left(&s->worker));
	json_object_set_new(o, "findings", findings_json(s));
	json_object_set_new(o, "climb", climb_json(s));
	json_object_set_new(o, "instrumentation", instrumentation_json(&all));
	json_object_set_new(o, "host", host_json());
	return o;
}
