#include "harness/cli/conformance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/profile_check.h"

int conformance_init(struct conformance *c, const struct rulebook *book,
		     const struct subject *subjects, size_t n)
{
	*c = (struct conformance){.book = book};
	c->column = calloc(n ? n : 1, sizeof(*c->column));
	if (!c->column)
		return -ENOMEM;
	for (; c->ncolumns < n; c->ncolumns++) {
		struct column *column = &c->column[c->ncolumns];

		column->subject = &subjects[c->ncolumns];
		column->row = calloc(book->n ? book->n : 1, sizeof(*column->row));
		if (!column->row)
			return -ENOMEM;
	}
	return 0;
}

void conformance_release(struct conformance *c)
{
	for (size_t i = 0; c->column && i < c->ncolumns; i++) {
		struct column *column = &c->column[i];

		for (size_t j = 0; j < c->book->n; j++)
			json_decref(column->row[j].signatures);
		free(column->row);
	}
	free(c->column);
	*c = (struct conformance){0};
}

static bool is_absent(const struct rule *rule, const struct run_shared *s)
{
	bool absent = false;

	for (unsigned i = 0; i < OP_CODES; i++) {
		if (rule->asks[i] && !s->counts.absent[i])
			return false;
		absent |= s->counts.absent[i] != 0;
	}
	return absent;
}

static enum row_result of_findings(const struct verdict *v, bool strict)
{
	for (unsigned i = 0; i < v->nfindings; i++) {
		const struct verdict_finding *f = &v->finding[i];

		if ((strict || !f->known) && f->finding->kind != FINDING_PROFILE_MISMATCH)
			return ROW_VIOLATION;
	}
	return ROW_MISMATCH;
}

static enum row_result result_of(const struct rule *rule, const struct outcome_of_run *r,
				 const struct row *row)
{
	switch (r->verdict.outcome) {
	case OUTCOME_BROKEN:
		return ROW_BROKEN;
	case OUTCOME_UNSUPPORTED:
		return ROW_UNSUPPORTED;
	case OUTCOME_FINDING:
		return of_findings(&r->verdict, r->in.strict);
	default:
		break;
	}
	if (strcmp(row->answer.s, "absent") == 0 || is_absent(rule, r->result.shared))
		return ROW_ABSENT;
	if (r->verdict.nknown || (row->expected && strcmp(row->expected, row->answer.s) == 0))
		return ROW_PROFILE;
	return row->answer.s[0] ? ROW_MEASURED : ROW_PASS;
}

static const char *expected_answer(const struct subject *s, const struct rule *rule)
{
	const struct profile_answer *a = NULL;

	if (s->has_profile && rule->profile)
		a = profile_answer(&s->profile, rule->profile);
	return a ? a->value : NULL;
}

static json_t *signatures_of(const struct verdict *v)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < v->nfindings; i++)
		json_array_append_new(list, json_string(v->finding[i].signature));
	return list;
}

void conformance_run(const struct subject *s, const struct rule *rule,
		     const struct runner_options *o, const char *folder,
		     struct outcome_of_run *ret_run, struct row *ret_row)
{
	struct runner_options logged = *o;
	struct row row = {.expected = expected_answer(s, rule)};

	if (rule->profile)
		logged.oplog_capacity = ANSWER_OPLOG;
	runner_run(s, &rule->program, &logged, ret_run);
	if (rule->profile && ret_run->result.shared) {
		row.answer = answer_measure(&ret_run->result, rule->form, rule->statement);
		profile_check_answer(ret_run, rule, row.answer.s);
	}
	profile_check_shown(ret_run, folder);
	row.result = result_of(rule, ret_run, &row);
	row.signatures = signatures_of(&ret_run->verdict);
	*ret_row = row;
}

const char *row_result_name(enum row_result r)
{
	static const char *const name[ROW_RESULTS] = {
		[ROW_NOT_RUN] = "not-run",   [ROW_PASS] = "pass",
		[ROW_PROFILE] = "profile",   [ROW_MEASURED] = "measured",
		[ROW_MISMATCH] = "mismatch", [ROW_VIOLATION] = "violation",
		[ROW_ABSENT] = "absent",     [ROW_UNSUPPORTED] = "unsupported",
		[ROW_BROKEN] = "broken",
	};

	return name[r];
}

unsigned column_count(const struct column *c, size_t nrules, enum row_result r)
{
	unsigned n = 0;

	for (size_t i = 0; i < nrules; i++)
		n += c->row[i].result == r;
	return n;
}

const char *row_cell(const struct row *row)
{
	switch (row->result) {
	case ROW_PROFILE:
	case ROW_MEASURED:
		return answer_is_given(row->answer.s) ? row->answer.s
						      : row_result_name(row->result);
	case ROW_MISMATCH:
		return "MISMATCH";
	case ROW_VIOLATION:
		return "VIOLATION";
	case ROW_ABSENT:
		return "-";
	case ROW_NOT_RUN:
		return "";
	default:
		return row_result_name(row->result);
	}
}
