#include "harness/cli/answer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/oracle/model.h"
#include "harness/prog/names.h"

static const char *const form_names[ANSWER_FORMS] = {
	[ANSWER_ZERO] = "zero",	    [ANSWER_REALLOC_ZERO] = "realloc-zero",
	[ANSWER_CALL] = "call",	    [ANSWER_ROUNDING] = "rounding",
	[ANSWER_USABLE] = "usable",
};

int answer_form_by_name(const char *name)
{
	for (int i = 0; i < ANSWER_FORMS; i++)
		if (strcmp(name, form_names[i]) == 0)
			return i;
	return -ENOENT;
}

static struct answer_word plain(const char *value)
{
	struct answer_word w;

	snprintf(w.s, sizeof(w.s), "%s", value);
	return w;
}

static struct answer_word numbered(const char *prefix, uint64_t n)
{
	struct answer_word w;

	snprintf(w.s, sizeof(w.s), "%s%" PRIu64, prefix, n);
	return w;
}

/* NULL: the errno behind the prefix, or "null" where errno was left as it was. */
static struct answer_word failed(const char *prefix, int err)
{
	const char *name = err > 0 ? errno_name(err) : NULL;
	struct answer_word w;

	if (err == 0 || err == OUTCOME_NO_ERRNO)
		return plain("null");
	if (name)
		snprintf(w.s, sizeof(w.s), "%s%s", prefix, name);
	else
		snprintf(w.s, sizeof(w.s), "errno-%d", err);
	return w;
}

static struct answer_word answer_of_call(const struct oplog_entry *e, enum answer_form form)
{
	switch (form) {
	case ANSWER_ZERO:
		return e->address ? plain("pointer") : failed("null-", e->err);
	case ANSWER_REALLOC_ZERO:
		if (e->address)
			return plain("frees-block");
		return e->err ? failed("kept-", e->err) : plain("frees");
	case ANSWER_USABLE:
		if (e->address && e->usable != UINT64_MAX)
			return numbered("usable-", e->usable);
		break;
	default:
		break;
	}
	return e->address ? plain("accepted") : failed("", e->err);
}

/* The alignment that all blocks have in common; beyond a page nothing is to be learnt. */
static struct answer_word common_alignment(const struct run_shared *s, uint64_t n,
					   unsigned statement)
{
	uint64_t bits = 4096;

	for (uint64_t i = 0; i < n; i++)
		if (s->oplog[i].stmt == statement)
			bits |= s->oplog[i].address;
	return numbered("rounded-", bits & -bits);
}

static struct answer_word no_answer(const struct run_result *r)
{
	for (unsigned i = 0; i < OP_CODES; i++)
		if (r->end == RUN_END_NORMAL && r->shared->counts.absent[i])
			return plain("absent");
	return plain(r->end == RUN_END_CRASHED || r->end == RUN_END_HUNG ? "crash"
									 : "not-measured");
}

struct answer_word answer_measure(const struct run_result *r, enum answer_form form,
				  unsigned statement)
{
	const struct run_shared *s = r->shared;
	uint64_t n = s ? atomic_load(&s->oplog_used) : 0;
	struct answer_word all = {""};

	if (!s)
		return plain("not-measured");
	if (r->end != RUN_END_NORMAL)
		return no_answer(r);
	for (uint64_t i = 0; i < n; i++) {
		if (s->oplog[i].stmt != statement)
			continue;
		struct answer_word one = answer_of_call(&s->oplog[i], form);

		if (all.s[0] && strcmp(all.s, one.s) != 0)
			return plain("mixed");
		all = one;
	}
	if (!all.s[0])
		return no_answer(r);
	if (form == ANSWER_ROUNDING && strcmp(all.s, "accepted") == 0)
		return common_alignment(s, n, statement);
	return all;
}

bool answer_is_given(const char *value)
{
	return *value && strcmp(value, "crash") != 0 && strcmp(value, "not-measured") != 0;
}

struct answer_text answer_words(const char *value)
{
	static const struct {
		const char *value, *words;
	} whole[] = {
		{"null", "null, errno kept"},
		{"frees", "frees, null, errno kept"},
		{"frees-block", "frees, returns a block of size 0"},
		{"mixed", "not the same each time"},
		{"absent", "no such function"},
		{"not-measured", "not measured"},
	};
	/* Before and behind what the prefix leaves. */
	static const struct {
		const char *prefix, *before, *behind;
	} parts[] = {
		{"null-", "null, ", ""},    {"kept-", "null, ", ", block kept"},
		{"errno-", "errno ", ""},   {"rounded-", "accepted, aligned to ", ""},
		{"usable-", "usable ", ""},
	};
	struct answer_text t;

	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		if (strcmp(value, whole[i].value) == 0) {
			snprintf(t.s, sizeof(t.s), "%s", whole[i].words);
			return t;
		}
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t len = strlen(parts[i].prefix);

		if (strncmp(value, parts[i].prefix, len) == 0) {
			snprintf(t.s, sizeof(t.s), "%s%.24s%s", parts[i].before, value + len,
				 parts[i].behind);
			return t;
		}
	}
	snprintf(t.s, sizeof(t.s), "%s%.48s",
		 errno_by_name(value, strlen(value)) > 0 ? "refused, " : "", value);
	return t;
}
