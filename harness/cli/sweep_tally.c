#include "harness/cli/sweep_tally.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a finding counts as. */
enum head { HEAD_LOST, HEAD_CRASHED, HEAD_HUNG, HEAD_CONTENT, HEAD_OTHER, HEAD_KNOWN, HEADS };

static enum head head_of(const struct sweep_finding *f)
{
	if (f->known)
		return HEAD_KNOWN;
	switch (f->kind) {
	case FINDING_LOST_MAPPING:
		return HEAD_LOST;
	case FINDING_CRASH:
	case FINDING_FORK_BROKEN:
		return HEAD_CRASHED;
	case FINDING_HANG:
		return HEAD_HUNG;
	case FINDING_OVERLAP:
	case FINDING_CORRUPTED:
	case FINDING_LOST_CONTENT:
	case FINDING_DIRTY_ZERO:
	case FINDING_SHORT_USABLE:
		return HEAD_CONTENT;
	default:
		return HEAD_OTHER;
	}
}

static uint64_t injected_calls(const struct run_counts *counts)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < KCALL_COUNT; i++)
		n += counts->call[i].injected;
	return n;
}

/* The program's own word, in a run that did not get its memory. */
static bool is_left_out(const struct run_shared *s, const struct finding *f)
{
	return s && s->counts.null_at_refusal &&
	       (f->rule == RULE_EXPECT || f->rule == RULE_OUTCOME);
}

static void report_finding(struct sweep_report *r, const struct verdict_finding *from)
{
	struct sweep_finding *to = &r->finding[r->nfindings++];

	memcpy(to->signature, from->signature, sizeof(to->signature));
	memcpy(to->message, from->message, sizeof(to->message));
	to->kind = from->finding->kind;
	to->known = from->known != NULL;
}

void sweep_report_of(const struct outcome_of_run *r, struct sweep_report *ret_report)
{
	const struct run_shared *s = r->result.shared;
	const struct verdict *v = &r->verdict;

	*ret_report = (struct sweep_report){
		.outcome = v->outcome,
		.interrupted = s && r->result.end == RUN_END_INTERRUPTED,
		.injected = s ? injected_calls(&s->counts) : 0,
		.lost_bytes = s && s->lost.measured ? s->lost.bytes : 0,
	};
	unsigned counted = 0;

	snprintf(ret_report->reason, sizeof(ret_report->reason), "%s", v->reason);
	for (unsigned i = 0; i < v->nfindings; i++) {
		const struct verdict_finding *f = &v->finding[i];

		if (is_left_out(s, f->finding)) {
			ret_report->unmet++;
			continue;
		}
		report_finding(ret_report, f);
		counted += !f->known || r->in.strict;
	}
	if (v->outcome == OUTCOME_FINDING && !counted)
		ret_report->outcome = OUTCOME_CLEAN;
}

size_t sweep_report_bytes(const struct sweep_report *r)
{
	return offsetof(struct sweep_report, finding) + r->nfindings * sizeof(r->finding[0]);
}

int sweep_tally_init(struct sweep_tally *t, const struct sweep_report *before)
{
	*t = (struct sweep_tally){0};
	t->before = calloc(before->nfindings ? before->nfindings : 1, sizeof(*t->before));
	if (!t->before)
		return -ENOMEM;
	for (uint32_t i = 0; i < before->nfindings; i++)
		memcpy(t->before[t->nbefore++], before->finding[i].signature, sizeof(*t->before));
	return 0;
}

void sweep_tally_release(struct sweep_tally *t)
{
	free(t->before);
	free(t->wrong);
	*t = (struct sweep_tally){0};
}

static bool is_old(const struct sweep_tally *t, const struct sweep_finding *f)
{
	for (uint32_t i = 0; i < t->nbefore; i++)
		if (strcmp(t->before[i], f->signature) == 0)
			return true;
	return false;
}

static struct sweep_wrong *wrong_of(struct sweep_tally *t, const char *signature)
{
	for (size_t i = 0; i < t->nwrong; i++)
		if (strcmp(t->wrong[i].finding.signature, signature) == 0)
			return &t->wrong[i];
	return NULL;
}

/* Two ops of one run can have the same signature: that is one run. */
static bool seen_in_run(const struct sweep_report *r, uint32_t at)
{
	for (uint32_t i = 0; i < at; i++)
		if (strcmp(r->finding[i].signature, r->finding[at].signature) == 0)
			return true;
	return false;
}

static int add_wrong(struct sweep_tally *t, uint64_t nth, const struct sweep_finding *f)
{
	struct sweep_wrong *w = wrong_of(t, f->signature);

	if (w) {
		w->runs++;
		return 0;
	}
	w = reallocarray(t->wrong, t->nwrong + 1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	t->wrong = w;
	t->wrong[t->nwrong++] = (struct sweep_wrong){.finding = *f, .first = nth, .runs = 1};
	return 0;
}

/* A run that says nothing of the allocator. */
static bool count_as_nothing(struct sweep_tally *t, const struct sweep_report *r)
{
	if (r->outcome == OUTCOME_BROKEN)
		t->broken++;
	else if (r->outcome == OUTCOME_UNSUPPORTED)
		t->unsupported++;
	else
		return false;
	if (!t->reason[0])
		memcpy(t->reason, r->reason, sizeof(t->reason));
	return true;
}

static void count_heads(struct sweep_tally *t, const bool shown[HEADS],
			const struct sweep_report *r)
{
	bool wrong = false;

	for (int head = 0; head < HEADS; head++)
		wrong |= shown[head];
	t->lost += shown[HEAD_LOST];
	t->crashed += shown[HEAD_CRASHED];
	t->hung += shown[HEAD_HUNG];
	t->content += shown[HEAD_CONTENT];
	t->other += shown[HEAD_OTHER];
	t->known += shown[HEAD_KNOWN];
	if (shown[HEAD_LOST]) {
		t->lost_total_bytes += r->lost_bytes;
		if (r->lost_bytes > t->lost_worst_bytes)
			t->lost_worst_bytes = r->lost_bytes;
	}
	if (!wrong && r->injected)
		t->handled++;
	else if (!wrong)
		t->not_met++;
}

int sweep_tally_add(struct sweep_tally *t, uint64_t nth, const struct sweep_report *r)
{
	bool shown[HEADS] = {0};

	t->tried++;
	if (count_as_nothing(t, r))
		return 0;
	t->unmet += r->unmet != 0;
	for (uint32_t i = 0; i < r->nfindings && i < FINDING_MAX; i++) {
		const struct sweep_finding *f = &r->finding[i];

		if (is_old(t, f) || seen_in_run(r, i))
			continue;
		shown[head_of(f)] = true;
		if (add_wrong(t, nth, f))
			return -ENOMEM;
	}
	count_heads(t, shown, r);
	return 0;
}
