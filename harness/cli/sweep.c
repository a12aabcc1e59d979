#include "harness/cli/sweep.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/fault_rule.h"
#include "harness/cli/jobs.h"
#include "harness/cli/run_json.h"
#include "harness/cli/sweep_jobs.h"

struct sweeping {
	const struct sweep *sweep;
	struct sweep_row *row;
	int code; /* an exit code once a result could not be written */
};

static struct fault_rule rule_of(const struct sweep_row *row, size_t i)
{
	struct fault_rule rule;

	sweep_rule(row->plan, sweep_nth(i, row->tries, row->made), &rule);
	return rule;
}

/* The line of a run, with the refusal that the sweep put into it. */
static json_t *run_line(const struct outcome_of_run *r, const struct fault_rule *rule)
{
	json_t *line = run_json(&r->in, &r->verdict);

	if (line)
		json_object_set_new(line, "fault",
				    rule ? json_string(fault_rule_words(rule).s) : json_null());
	return line;
}

/* In a worker: the report and behind it the JSON line, into the pipe. */
static void refuse_one(void *ctx, size_t i, int fd)
{
	const struct sweep_row *row = ((struct sweeping *)ctx)->row;
	struct runner_options o = *row->options;
	struct outcome_of_run r;
	static struct sweep_report report;
	struct fault_rule rule = rule_of(row, i);

	/* First: where several refuse one call, the errno is the sweep's. */
	memmove(&o.faults[1], &o.faults[0], o.nfaults * sizeof(o.faults[0]));
	o.faults[0] = rule;
	o.nfaults++;
	/* Peaks of a refused run are judged where the program asks for them, and shown nowhere. */
	o.sampling = o.sampling && row->program->info.has_peak_metric;
	runner_run(row->subject, row->program, &o, &r);
	sweep_report_of(&r, &report);
	json_t *line = run_line(&r, &rule);
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;

	if (!text || jobs_write(fd, &report, sweep_report_bytes(&report)) != 0)
		return;
	size_t len = strlen(text);

	text[len] = '\n';
	jobs_write(fd, text, len + 1);
}

static int write_failed(const struct sweep *s, int err)
{
	cli_complain_write(s->json_path, err);
	return EXIT_BROKEN;
}

/* 0 when `bytes` are a whole report, with the line of the run behind it from *ret_line on. */
static int unpack(const char *bytes, size_t len, struct sweep_report *ret_report, size_t *ret_line)
{
	static const size_t head = offsetof(struct sweep_report, finding);

	*ret_report = (struct sweep_report){0};
	if (len < head)
		return -EPROTO;
	memcpy(ret_report, bytes, head);
	if (ret_report->nfindings > FINDING_MAX)
		return -EPROTO;
	size_t whole = sweep_report_bytes(ret_report);

	if (len < whole + 2 || bytes[len - 1] != '\n')
		return -EPROTO;
	memcpy(ret_report, bytes, whole);
	*ret_line = whole;
	return 0;
}

static int take_result(void *ctx, size_t i, const char *bytes, size_t len)
{
	struct sweeping *w = ctx;
	struct sweep_row *row = w->row;
	static struct sweep_report report;
	uint64_t nth = sweep_nth(i, row->tries, row->made);
	size_t line = len; /* where it begins */

	if (unpack(bytes, len, &report, &line) != 0) {
		report = (struct sweep_report){.outcome = OUTCOME_BROKEN,
					       .interrupted = runner_interrupted()};
		snprintf(report.reason, sizeof(report.reason),
			 "the worker of a run ended without a result");
	}
	/* What an interrupt cut off is no result. */
	if (report.interrupted)
		return 0;
	outcome_count(w->sweep->outcomes, report.outcome);
	print_progress("%s on %s: %" PRIu64 " of %" PRIu64 " refusals", row->program->name,
		       row->subject->ref.name, row->tally.tried + 1, row->tries);
	int err = sweep_tally_add(&row->tally, nth, &report);

	if (err)
		return err;
	err = json_out_lines(w->sweep->json, bytes + line, len - line);
	if (err)
		w->code = write_failed(w->sweep, -err);
	return err;
}

/* Why calls cannot be refused one by one; NULL: they can. */
static const char *cannot_sweep(const struct outcome_of_run *r)
{
	const struct run_shared *s = r->result.shared;

	if (r->verdict.outcome == OUTCOME_BROKEN || r->verdict.outcome == OUTCOME_UNSUPPORTED)
		return r->verdict.reason;
	return s->watch.traps == WATCH_ON ? NULL : verdict_unwatched(s);
}

static unsigned jobs_for(const struct run_result *before)
{
	const struct sweep_cost cost = {
		.slept_ns = before->shared ? before->shared->slept_ns : 0,
		.cpu_ns = before->cpu_ns,
		.resident_bytes = before->most_resident_bytes,
	};
	const struct sweep_room room = sweep_room();

	return sweep_jobs(&cost, &room);
}

/* The run without refusals: it counts the calls, and what it finds is not the refusals' doing. */
static int run_before(const struct sweep *s, struct sweep_row *row)
{
	struct outcome_of_run r;
	static struct sweep_report report;

	print_progress("%s on %s: counting its calls", row->program->name, row->subject->ref.name);
	runner_run(row->subject, row->program, row->options, &r);
	sweep_report_of(&r, &report);
	const char *why = cannot_sweep(&r);

	row->outcome = why ? OUTCOME_UNSUPPORTED : r.verdict.outcome;
	if (r.verdict.outcome == OUTCOME_BROKEN)
		row->outcome = OUTCOME_BROKEN;
	snprintf(row->reason, sizeof(row->reason), "%s", why ? why : "");
	if (!why)
		row->made = sweep_made(row->plan, &r.result.shared->counts);
	row->tries = sweep_tries(row->plan, row->made);
	row->jobs = s->jobs ? s->jobs : jobs_for(&r.result);
	outcome_count(s->outcomes, row->outcome);
	int err = sweep_tally_init(&row->tally, &report);
	int failed = json_out_write(s->json, run_line(&r, NULL));

	runner_release(&r);
	if (err)
		cli_complain("%s", strerror(-err));
	if (failed)
		write_failed(s, -failed);
	return err || failed ? EXIT_BROKEN : 0;
}

static int run_refusals(const struct sweep *s, struct sweep_row *row)
{
	struct sweeping w = {.sweep = s, .row = row};
	const struct jobs jobs = {
		.n = row->tries,
		.parallel = row->jobs,
		.ctx = &w,
		.work = refuse_one,
		.done = take_result,
	};
	int err = jobs_run(&jobs);

	if (err && !w.code) {
		cli_complain("cannot run the sweep: %s", strerror(-err));
		w.code = EXIT_BROKEN;
	}
	return w.code;
}

static int sweep_one(const struct sweep *s, struct sweep_row *row)
{
	int code = run_before(s, row);

	if (!code && !row->reason[0])
		code = run_refusals(s, row);
	row->interrupted = runner_interrupted();
	print_progress_clear();
	sweep_print(s->text, row);
	int err = code ? 0 : json_out_write(s->json, sweep_json(row));

	if (err)
		code = write_failed(s, -err);
	return code;
}

static int sweep_all(const struct sweep *s, const struct runner_options *o)
{
	struct print_widths widths = {0};

	for (size_t i = 0; i < s->nprograms; i++)
		print_widen(&widths, s->programs[i].name, NULL);
	for (size_t j = 0; j < s->nsubjects; j++)
		print_widen(&widths, NULL, s->subjects[j].ref.name);
	sweep_print_header(s->text, &widths);
	for (size_t i = 0; i < s->nprograms * s->nsubjects; i++) {
		struct sweep_row row = {
			.program = &s->programs[i / s->nsubjects],
			.subject = &s->subjects[i % s->nsubjects],
			.options = o,
			.plan = &s->plan,
		};
		int code = sweep_one(s, &row);

		sweep_tally_release(&row.tally);
		if (code || runner_interrupted())
			return EXIT_BROKEN;
	}
	return outcome_exit_code(s->outcomes);
}

int sweep_execute(const struct sweep *s)
{
	struct runner_options o = *s->options;

	/* A refusal changes what a loop keeps, and a second run of each would double the time. */
	o.confirm_growth = false;
	return sweep_all(s, &o);
}
