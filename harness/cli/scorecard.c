#include "harness/cli/scorecard.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "harness/cli/kinds.h"
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

static const struct finding *crash_of(const struct run_shared *s)
{
	for (uint32_t i = 0; i < s->findings.n && i < FINDING_MAX; i++)
		if (s->findings.v[i].kind == FINDING_CRASH || s->findings.v[i].kind == FINDING_HANG)
			return &s->findings.v[i];
	return NULL;
}

/* The programs are made for the default vm.max_map_count; a larger one may never refuse. */
static bool limit_was_reached(const struct run_shared *s)
{
	return s->counts.call[KCALL_MUNMAP].failed != 0;
}

static void note_limit(struct scorecard *c, const struct outcome_of_run *r)
{
	const struct run_shared *s = r->result.shared;
	const struct finding *crash = crash_of(s);

	if (!limit_was_reached(s)) {
		snprintf(c->at_limit, sizeof(c->at_limit), "limit not reached");
		return;
	}
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
	c->limit_full_bytes = left_behind_at(s, "idle").bytes;
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
		c->peak_maps = peak_maps(s);
		c->freed = left_behind_at(s, "freed");
		c->purged = left_behind_at(s, "purged");
		c->idle = left_behind_at(s, "idle");
	} else if (strcmp(program, "map-limit-full") == 0) {
		note_limit(c, r);
	} else if (strcmp(program, "limit-after-control") == 0) {
		c->control_bytes = left_behind_at(s, "idle").bytes;
	} else if (strcmp(program, "limit-after") == 0 && limit_was_reached(s)) {
		note_after(c, left_behind_at(s, "idle").bytes);
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

static void print_head(FILE *out, int width)
{
	fprintf(out, "\n%-*s  %10s  %-58s  %s\n", width, "", "",
		"DRAIN: PEAK MAPS; MAPS, BYTES LEFT", "AT THE MAP LIMIT: BYTES LEFT");
	fprintf(out, "%-*s  %10s  %5s  %16s  %16s  %16s  %10s  %10s  %s\n", width, "ALLOCATOR",
		"VIOLATIONS", "PEAK", "AFTER FREE", "AFTER PURGE", "AFTER 1 S", "FULL FIRST",
		"FULL AFTER", "MALLOC THERE");
}

static void print_legend(FILE *out)
{
	fprintf(out, "\n"
		     "VIOLATIONS    findings in all programs; known: the profile has the reason\n"
		     "DRAIN         300000 blocks of 0.5 to 2 KiB, touched, all freed; bytes are "
		     "resident\n"
		     "              beyond the start, without LazyFree pages\n"
		     "FULL FIRST    map-limit-full: 10000 blocks of 128 KiB, touched and freed "
		     "after the\n"
		     "              table was full, a second after free and purge\n"
		     "FULL AFTER    limit-after: blocks first, then the table fills, then all are "
		     "freed;\n"
		     "              less what limit-after-control keeps away from the limit\n"
		     "MALLOC THERE  what malloc does in map-limit-full\n");
}

void scorecard_print(FILE *out, const struct scorecard *cards, size_t n)
{
	int width = (int)strlen("ALLOCATOR");

	for (size_t i = 0; i < n; i++)
		if ((int)strlen(cards[i].allocator->name) > width)
			width = (int)strlen(cards[i].allocator->name);
	print_head(out, width);
	for (size_t i = 0; i < n; i++) {
		const struct scorecard *c = &cards[i];
		char violations[32];

		if (c->known)
			snprintf(violations, sizeof(violations), "%u+%u known",
				 c->findings - c->known, c->known);
		else
			snprintf(violations, sizeof(violations), "%u", c->findings);
		fprintf(out, "%-*s  %10s  ", width, c->allocator->name, violations);
		if (c->peak_maps < 0)
			fprintf(out, "%5s", "-");
		else
			fprintf(out, "%5" PRId64, c->peak_maps);
		print_left(out, &c->freed);
		print_left(out, &c->purged);
		print_left(out, &c->idle);
		fprintf(out, "  %10s  %10s  %s\n", bytes_text(c->limit_full_bytes).s,
			bytes_text(c->limit_after_bytes).s, c->at_limit);
	}
	if (n)
		print_without(out, cards[0].without);
	print_legend(out);
}

json_t *scorecard_json(const struct scorecard *c)
{
	return json_pack(
		"{s:s, s:o, s:i, s:o, s:i, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:s}",
		"schema", "allocrig.audit/1", "allocator", allocator_json(c->allocator), "runs",
		(int)c->runs, "without", kinds_json(c->without), "broken", (int)c->broken,
		"unsupported", (int)c->unsupported, "violations", (int)(c->findings - c->known),
		"known", (int)c->known, "peak_maps", json_measured(c->peak_maps), "after_free",
		left_behind_json(&c->freed), "after_purge", left_behind_json(&c->purged),
		"after_1s", left_behind_json(&c->idle), "limit_full_bytes",
		json_measured(c->limit_full_bytes), "limit_after_bytes",
		json_measured(c->limit_after_bytes), "malloc_at_limit", c->at_limit);
}
