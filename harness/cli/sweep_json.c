#include <stdlib.h>

#include "harness/cli/fault_rule.h"
#include "harness/cli/kinds.h"
#include "harness/cli/run_json.h"
#include "harness/cli/sweep.h"
#include "harness/prog/names.h"

static void set_count(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer((json_int_t)n));
}

static json_t *calls_json(const struct sweep_plan *p)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < p->ncalls; i++)
		json_array_append_new(list, json_string(kcall_name(p->call[i])));
	return list;
}

static json_t *lost_json(const struct sweep_tally *t)
{
	json_t *o = json_object();

	set_count(o, "runs", t->lost);
	json_object_set_new(o, "worst_bytes", json_integer(t->lost_worst_bytes));
	json_object_set_new(o, "total_bytes", json_integer(t->lost_total_bytes));
	return o;
}

static json_t *wrong_json(const struct sweep_row *row, const struct sweep_wrong *w)
{
	const struct sweep_finding *f = &w->finding;
	char *command = sweep_command(row, w->first);
	struct fault_rule rule;
	json_t *o = json_object();

	sweep_rule(row->plan, w->first, &rule);
	json_object_set_new(o, "kind", json_text(finding_kind_name(f->kind)));
	json_object_set_new(o, "signature", json_text(f->signature));
	json_object_set_new(o, "message", json_text(f->message));
	json_object_set_new(o, "known", json_boolean(f->known));
	set_count(o, "runs", w->runs);
	json_object_set_new(o, "first", json_string(fault_rule_words(&rule).s));
	json_object_set_new(o, "command", json_text(command));
	free(command);
	return o;
}

static json_t *wrongs_json(const struct sweep_row *row)
{
	json_t *list = json_array();

	for (size_t i = 0; i < row->tally.nwrong; i++)
		json_array_append_new(list, wrong_json(row, &row->tally.wrong[i]));
	return list;
}

static void add_tally(json_t *o, const struct sweep_tally *t)
{
	set_count(o, "tried", t->tried);
	set_count(o, "handled", t->handled);
	json_object_set_new(o, "lost", lost_json(t));
	set_count(o, "crashed", t->crashed);
	set_count(o, "hung", t->hung);
	set_count(o, "content", t->content);
	set_count(o, "other", t->other);
	set_count(o, "known", t->known);
	set_count(o, "not_met", t->not_met);
	set_count(o, "unmet", t->unmet);
	set_count(o, "broken", t->broken);
	set_count(o, "unsupported", t->unsupported);
	json_object_set_new(o, "broken_reason", json_text(t->reason));
}

json_t *sweep_json(const struct sweep_row *row)
{
	json_t *o = json_object(), *program = json_object();

	if (!o || !program)
		return NULL;
	json_object_set_new(program, "name", json_text(row->program->name));
	json_object_set_new(program, "sha256", json_text(row->program->sha256));
	json_object_set_new(program, "path", json_text(row->program->path));
	json_object_set_new(o, "schema", json_string("allocrig.sweep/1"));
	json_object_set_new(o, "allocator", allocator_json(&row->subject->ref));
	json_object_set_new(o, "program", program);
	json_object_set_new(o, "calls", calls_json(row->plan));
	json_object_set_new(o, "oom", json_boolean(row->plan->oom));
	json_object_set_new(o, "errno", json_text(errno_name(row->plan->err)));
	json_object_set_new(o, "without", kinds_json(row->options->without));
	json_object_set_new(o, "outcome", json_string(outcome_name(row->outcome)));
	json_object_set_new(o, "reason", json_text(row->reason));
	json_object_set_new(o, "interrupted", json_boolean(row->interrupted));
	set_count(o, "made", row->made);
	set_count(o, "planned", row->tries);
	set_count(o, "jobs", row->jobs);
	add_tally(o, &row->tally);
	json_object_set_new(o, "signatures", wrongs_json(row));
	json_object_set_new(o, "host", host_json());
	return o;
}
