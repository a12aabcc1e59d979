/* From a judged event to a finding. */
#include <string.h>

#include "harness/oracle/model_internal.h"

static struct finding finding_of(const struct call_event *e, struct verdict_kind v)
{
	return (struct finding){
		.kind = v.kind,
		.rule = v.rule,
		.op_code = e->op ? e->op->code : OP_CODES,
		.stmt = e->op ? (int32_t)e->op->stmt : -1,
		.thread = e->op ? e->op->thread : 0,
		.has_slot = e->op ? e->op->space : SPACE_NONE,
		.slot = e->slot,
		.iteration = e->iteration,
		.in_fork = e->in_fork,
		.count = 1,
	};
}

void report(const struct judge *j, struct verdict_kind v, const uint64_t n[6])
{
	struct finding f = finding_of(j->e, v);

	memcpy(f.n, n, sizeof(f.n));
	finding_add(j->sink, &f);
}

void report_slot(const struct judge *j, uint32_t slot, struct verdict_kind v, const uint64_t n[6])
{
	struct finding f = finding_of(j->e, v);

	f.has_slot = SPACE_BLOCK;
	f.slot = slot;
	memcpy(f.n, n, sizeof(f.n));
	finding_add(j->sink, &f);
}

bool outcome_allows(const struct outcomes *o, int err)
{
	if (!o->present)
		return false;
	if (err == 0)
		return o->ok;
	/* Where failing is allowed, a missing errno is wrong-errno and not said twice. */
	if (err == OUTCOME_NO_ERRNO)
		return o->nerr != 0;
	for (unsigned i = 0; i < o->nerr; i++)
		if (o->err[i] == err)
			return true;
	return false;
}

void oracle_outcome(const struct call_event *e, int err, struct finding_sink *sink)
{
	const struct verdict_kind v = {FINDING_UNEXPECTED_RESULT, RULE_OUTCOME};
	const struct outcomes *o = &e->op->outcomes;

	if (!o->present || outcome_allows(o, err))
		return;
	struct finding f = finding_of(e, v);

	_Static_assert(sizeof(*o) <= sizeof(f.n) - sizeof(f.n[0]), "outcomes fit behind n[0]");
	f.n[0] = (uint64_t)err;
	memcpy(&f.n[1], o, sizeof(*o));
	finding_add(sink, &f);
}
