#include "harness/cli/scorecard.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "harness/cli/print.h"
#include "harness/cli/run_json.h"

void scorecard_init(struct scorecard *c, const struct allocator_ref *allocator)
{
	*c = (struct scorecard){
		.allocator = allocator,
		.peak_maps = -1,
		.freed = {-1, -1},
		.purged = {-1, -1},
		.idle = {-1, -1},
		.limit_full_bytes = -1,
		.limit_after_bytes = -1,
		.control_bytes = -1,
	};
	snprintf(c->at_limit, sizeof(c->at_limit), "-");
}

/* The last checkpoint of that name; maps and bytes are -1 when it was not reached. */
static struct left_behind left_at(const struct run_shared *s, const char *name)
{
	struct left_behind left = {-1, -1};
	uint32_t n = s ? atomic_load(&s->ncheckpoints) : 0;

	for (uint32_t i = 1; i < n; i++) {
		const struct snapshot *start = &s->checkpoint[0].at, *at = &s->checkpoint[i].at;

		if (strcmp(s->checkpoint[i].name, name) != 0)
			continue;
		left.maps = at->maps - start->maps;
		left.bytes = at->rss_bytes - start->rss_bytes;
		if (at->lazyfree_bytes > 0)
			left.bytes -= at->lazyfree_bytes;
		if (left.bytes < 0)
			left.bytes = 0;
	}
	return left;
}

static const struct finding *crash_of(const struct run_shared *s)
{
	for (uint32_t i = 0; i < s->findings.n && i < FINDING_MAX; i++)
		if (s->findings.v[i].kind == FINDING_CRASH || s->findings.v[i].kind == FINDING_HANG)
			return &s->findings.v[i];
	return NULL;
}

static void note_limit(struct scorecard *c, const struct outcome_of_run *r)
{
	const struct run_shared *s = r->result.shared;
	const struct finding *crash = crash_of(s);

	if (crash && crash->kind == FINDING_HANG)
		snprintf(c->at_limit, sizeof(c->at_limit), "hang");
	else if (crash && crash->rule == RULE_SIGNAL)
		snprintf(c->at_limit, sizeof(c->at_limit), "%s",
			 crash->n[0] == SIGABRT ? "abort" : "crash");
	else if (crash)
		snprintf(c->at_limit, sizeof(c->at_limit), "exit");
	else if (s->counts.null_at_refusal)
		snprintf(c->at_limit, sizeof(c->at_limit), "null (%" PRIu64 " of 10000)",
			 s->counts.null_at_refusal);
	else if (r->result.end == RUN_END_NORMAL)
		snprintf(c->at_limit, sizeof(c->at_limit), "serves all");
	c->limit_full_bytes = left_at(s, "idle").bytes;
}

static void note_after(struct scorecard *c, int64_t bytes)
{
	if (bytes >= 0 && c->control_bytes >= 0)
		c->limit_after_bytes = bytes > c->control_bytes ? bytes - c->control_bytes : 0;
}

void scorecard_add(struct scorecard *c, const struct outcome_of_run *r)
{
	const struct run_shared *s = r->result.shared;
	const char *program = r->in.program->name;

	c->runs++;
	c->findings += r->verdict.nfindings;
	c->known += r->verdict.nknown;
	c->broken += r->verdict.outcome == OUTCOME_BROKEN;
	c->unsupported += r->verdict.outcome == OUTCOME_UNSUPPORTED;
	if (!s || atomic_load(&s->ncheckpoints) == 0)
		return;
	if (strcmp(program, "drain") == 0) {
		c->peak_maps = s->peak.at.maps - s->checkpoint[0].at.maps;
		c->freed = left_at(s, "freed");
		c->purged = left_at(s, "purged");
		c->idle = left_at(s, "idle");
	} else if (strcmp(program, "map-limit-full") == 0) {
		note_limit(c, r);
	} else if (strcmp(program, "limit-after-control") == 0) {
		c->control_bytes = left_at(s, "idle").bytes;
	} else if (strcmp(program, "limit-after") == 0) {
		note_after(c, left_at(s, "idle").bytes);
	}
}

static struct size_text bytes_text(int64_t bytes)
{
	return bytes < 0 ? (struct size_text){"-"} : print_size(bytes);
}

static void print_left(FILE *out, const struct left_behind *left)
{
	if (left->maps < 0)
		fprintf(out, "  %16s", "-");
	else
		fprintf(out, "  %5" PRId64 " %10s", left->maps, bytes_text(left->bytes).s);
}

void scorecard_print(FILE *out, const struct scorecard *cards, size_t n)
{
	int width = (int)strlen("ALLOCATOR");

	for (size_t i = 0; i < n; i++)
		if ((int)strlen(cards[i].allocator->name) > width)
			width = (int)strlen(cards[i].allocator->name);
	fprintf(out, "%-*s  %10s  %5s  %16s  %16s  %16s  %10s  %10s  %s\n", width, "ALLOCATOR",
		"VIOLATIONS", "PEAK", "AFTER FREE", "AFTER PURGE", "AFTER 1 S", "LIMIT FULL",
		"LIMIT LATE", "MALLOC AT LIMIT");
	for (size_t i = 0; i < n; i++) {
		const struct scorecard *c = &cards[i];
		char violations[32];

		if (c->known)
			snprintf(violations, sizeof(violations), "%u+%u known",
				 c->findings - c->known, c->known);
		else
			snprintf(violations, sizeof(violations), "%u", c->findings);
		fprintf(out, "%-*s  %10s  %5" PRId64, width, c->allocator->name, violations,
			c->peak_maps);
		print_left(out, &c->freed);
		print_left(out, &c->purged);
		print_left(out, &c->idle);
		fprintf(out, "  %10s  %10s  %s\n", bytes_text(c->limit_full_bytes).s,
			bytes_text(c->limit_after_bytes).s, c->at_limit);
	}
}

static json_t *number(int64_t n)
{
	return n < 0 ? json_null() : json_integer(n);
}

static json_t *left_json(const struct left_behind *left)
{
	return json_pack("{s:o, s:o}", "maps", number(left->maps), "bytes", number(left->bytes));
}

json_t *scorecard_json(const struct scorecard *c)
{
	return json_pack("{s:s, s:o, s:i, s:i, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:s}",
			 "schema", "allocrig.audit/1", "allocator", allocator_json(c->allocator),
			 "runs", (int)c->runs, "broken", (int)c->broken, "unsupported",
			 (int)c->unsupported, "violations", (int)(c->findings - c->known), "known",
			 (int)c->known, "peak_maps", number(c->peak_maps), "after_free",
			 left_json(&c->freed), "after_purge", left_json(&c->purged), "after_1s",
			 left_json(&c->idle), "limit_full_bytes", number(c->limit_full_bytes),
			 "limit_after_bytes", number(c->limit_after_bytes), "malloc_at_limit",
			 c->at_limit);
}
