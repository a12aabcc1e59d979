#include "harness/cli/fuzz_report.h"

#include <inttypes.h>

#include "harness/cli/fuzz_clock.h"
#include "harness/cli/print.h"

static const char *state_words(enum folder_state state)
{
	static const char *const words[] = {
		[FOLDER_FOUND] = "not yet shrunk",
		[FOLDER_CONFIRMED] = "confirmed, not yet shrunk",
		[FOLDER_SHRUNK] = "shrunk",
		[FOLDER_LEFT] = "not shrunk to the end",
	};

	return words[state];
}

static uint64_t per_second(uint64_t n, uint64_t ns)
{
	return ns ? (uint64_t)((double)n * FUZZ_NS_PER_S / (double)ns) : 0;
}

struct edges_text {
	char s[48];
};

static struct edges_text edges_text(const struct fuzz_totals *t)
{
	struct edges_text e = {"-"};

	if (t->edges)
		snprintf(e.s, sizeof(e.s), "%" PRIu64 "/%" PRIu64, t->edges_seen, t->edges);
	return e;
}

static void print_table(FILE *out, const struct fuzz_session *s)
{
	struct fuzz_totals own = session_own(s), all = session_totals(s);
	struct print_widths w = {0};

	print_widen(&w, NULL, "ALLOCATOR");
	print_widen(&w, NULL, s->subject->ref.name);
	fprintf(out, "%-*s  %-11s  %10s  %8s  %11s  %7s  %8s  %11s  %4s  %7s  %8s  %11s  %10s\n",
		w.allocator, "ALLOCATOR", "OUTCOME", "INPUTS", "INPUTS/S", "OPS", "CORPUS",
		"FEATURES", "EDGES", "NEW", "EARLIER", "KNOWN", "UNCONFIRMED", "WORST MAPS");
	fprintf(out,
		"%-*s  %-11s  %10" PRIu64 "  %8" PRIu64 "  %11" PRIu64 "  %7" PRIu64 "  %8" PRIu64
		"  %11s  %4zu  %7zu  %8" PRIu64 "  %11" PRIu64 "  %10" PRIu64 "\n",
		w.allocator, s->subject->ref.name, outcome_name(s->outcome), own.inputs,
		per_second(own.inputs, own.fuzzed_ns), own.ops, s->corpus, all.features,
		edges_text(&all).s, s->filing.nnew, s->filing.n - s->filing.nnew, own.known_inputs,
		own.unconfirmed, all.peak_maps);
}

static void print_findings(FILE *out, const struct fuzz_session *s, bool is_new)
{
	for (size_t i = 0; i < s->filing.n; i++) {
		const struct filed *f = &s->filing.list[i];

		if (f->is_new == is_new)
			fprintf(out, "  %s %s/findings/%s: %s (%s)\n", is_new ? "new" : "earlier",
				s->path, f->name, f->signature, state_words(f->state));
	}
}

static void print_rest(FILE *out, const struct fuzz_session *s)
{
	struct fuzz_totals own = session_own(s), all = session_totals(s);
	size_t left = worker_left(&s->worker);

	if (own.restarts)
		fprintf(out,
			"  %" PRIu64 " targets ended before the time and were started again: "
			"%s/jobs/*/log\n",
			own.restarts, s->path);
	if (own.refused)
		fprintf(out, "  %" PRIu64 " inputs could not be run\n", own.refused);
	if (left)
		fprintf(out,
			"  %zu not shrunk to the end: the next call with the same --out begins "
			"with them\n",
			left);
	if (all.sessions > 1)
		fprintf(out,
			"  in %" PRIu64 " calls: %" PRIu64 " inputs, %" PRIu64 " ops, %.0f s\n",
			all.sessions, all.inputs, all.ops, (double)all.fuzzed_ns / FUZZ_NS_PER_S);
	fprintf(out, "  seed %" PRIu64 "%s\n", s->cmd->options.runner.seed,
		s->interrupted ? "; interrupted" : "");
}

void fuzz_report_print(FILE *out, const struct fuzz_session *s)
{
	print_table(out, s);
	if (s->reason[0])
		fprintf(out, "  %s\n", s->reason);
	print_findings(out, s, true);
	print_findings(out, s, false);
	if (s->store.goal >= 0)
		climb_print(out, &s->store, &s->climb);
	print_rest(out, s);
	fflush(out);
}
