#include "harness/cli/profile_check.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool took_place(const struct outcome_of_run *r)
{
	const struct run_shared *s = r->result.shared;

	return r->in.profile && s && !(s->config.without & 1u << FINDING_PROFILE_MISMATCH) &&
	       (r->verdict.outcome == OUTCOME_CLEAN || r->verdict.outcome == OUTCOME_FINDING);
}

static unsigned op_code_of(const struct run_shared *s, unsigned statement)
{
	uint64_t n = atomic_load(&s->oplog_used);

	for (uint64_t i = 0; i < n; i++)
		if (s->oplog[i].stmt == statement && s->oplog[i].op_code < OP_CODES)
			return s->oplog[i].op_code;
	return OP_CODES;
}

void profile_check_answer(struct outcome_of_run *r, const struct rule *rule, const char *answer)
{
	const struct profile_answer *a;
	char signature[128], message[256];

	if (!took_place(r) || !rule->profile || !answer_is_given(answer))
		return;
	a = profile_answer(r->in.profile, rule->profile);
	if (!a || strcmp(a->value, answer) == 0)
		return;
	const struct finding f = {
		.kind = FINDING_PROFILE_MISMATCH,
		.rule = RULE_PROFILE_ANSWER,
		.op_code = (uint8_t)op_code_of(r->result.shared, rule->statement),
		.stmt = (int32_t)rule->statement,
		.count = 1,
	};

	snprintf(signature, sizeof(signature), "profile-mismatch/answer/%s", rule->profile);
	snprintf(message, sizeof(message), "profile says %.100s, measured %.100s", a->value,
		 answer);
	verdict_add(&r->in, &r->verdict, &f, signature, message);
}

/* Everything that could have found it was there. */
static bool saw_everything(const struct run_result *r)
{
	const struct run_shared *s = r->shared;

	if (r->end != RUN_END_NORMAL || !s->config.oracles || s->config.without ||
	    s->watch.traps != WATCH_ON)
		return false;
	for (unsigned i = 0; i < OP_CODES; i++)
		if (s->counts.absent[i])
			return false;
	return true;
}

static bool appeared(const struct verdict *v, const struct known *k)
{
	for (unsigned i = 0; i < v->nfindings; i++)
		if (fnmatch(k->signature, v->finding[i].signature, 0) == 0)
			return true;
	return false;
}

static void add_stale(struct outcome_of_run *r, const struct known *k)
{
	const struct finding f = {
		.kind = FINDING_PROFILE_MISMATCH,
		.rule = RULE_PROFILE_KNOWN,
		.op_code = OP_CODES,
		.stmt = -1,
		.count = 1,
	};
	char signature[256], message[512];

	snprintf(signature, sizeof(signature), "profile-mismatch/known/%.200s", k->signature);
	snprintf(message, sizeof(message), "profile says %.200s, measured: not found in %.200s",
		 k->signature, k->shown_by);
	verdict_add(&r->in, &r->verdict, &f, signature, message);
}

void profile_check_shown(struct outcome_of_run *r, const char *folder)
{
	char program[512];

	if (!took_place(r) || !saw_everything(&r->result))
		return;
	snprintf(program, sizeof(program), "%.240s/%.240s", folder, r->in.program->name);
	for (size_t i = 0; i < r->in.profile->nknown; i++) {
		const struct known *k = &r->in.profile->known[i];

		if (k->shown_by && strcmp(k->shown_by, program) == 0 && !appeared(&r->verdict, k))
			add_stale(r, k);
	}
}

struct folder_name profile_folder(const char *dir)
{
	struct folder_name name = {""};
	char path[PATH_MAX];
	const char *whole = realpath(dir, path) ? path : dir;
	const char *slash = strrchr(whole, '/');

	snprintf(name.s, sizeof(name.s), "%.*s", (int)sizeof(name.s) - 1,
		 slash ? slash + 1 : whole);
	return name;
}
