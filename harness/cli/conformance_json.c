/*
 * conformance_json.c - results of rules as JSON.
 */
#include "harness/cli/conformance.h"
#include "harness/cli/json_out.h"
#include "harness/cli/run_json.h"

static void add_rule(json_t *o, const struct rule *rule)
{
	json_object_set_new(o, "rule",
			    rule->number ? json_integer((json_int_t)rule->number) : json_null());
}

static void add_answer(json_t *o, const struct rule *rule, const struct row *row)
{
	if (!rule->profile)
		return;
	json_object_set_new(o, "asks", json_text(rule->profile));
	json_object_set_new(o, "answer", json_text(row->answer.s));
	json_object_set_new(o, "expected", json_text(row->expected));
}

void conformance_add_json(json_t *run, const struct rule *rule, const struct row *row)
{
	add_rule(run, rule);
	json_object_set_new(run, "result", json_text(row_result_name(row->result)));
	add_answer(run, rule, row);
}

static json_t *row_json(const struct rule *rule, const struct row *row)
{
	json_t *o = json_object();

	add_rule(o, rule);
	json_object_set_new(o, "program", json_text(rule->program.name));
	json_object_set_new(o, "sentence", json_text(rule->sentence));
	json_object_set_new(o, "source", json_text(rule->source));
	json_object_set_new(o, "result", json_text(row_result_name(row->result)));
	add_answer(o, rule, row);
	json_object_set_new(o, "findings",
			    row->signatures ? json_incref(row->signatures) : json_array());
	return o;
}

json_t *conformance_json(const struct column *c, const struct rulebook *book)
{
	json_t *o = json_object(), *rows = json_array(), *counts = json_object();
	const struct profile *p = &c->subject->profile;

	for (size_t i = 0; i < book->n; i++)
		if (c->row[i].result != ROW_NOT_RUN)
			json_array_append_new(rows, row_json(&book->rule[i], &c->row[i]));
	for (int r = 0; r < ROW_RESULTS; r++)
		json_object_set_new(counts, row_result_name(r),
				    json_integer(column_count(c, book->n, r)));
	json_object_set_new(o, "schema", json_string("allocrig.conformance/1"));
	json_object_set_new(o, "allocator", allocator_json(&c->subject->ref));
	json_object_set_new(o, "profile", json_text(c->subject->has_profile ? p->path : NULL));
	json_object_set_new(o, "profile_note", json_text(c->subject->profile_note));
	json_object_set_new(o, "rows", rows);
	json_object_set_new(o, "counts", counts);
	return o;
}
