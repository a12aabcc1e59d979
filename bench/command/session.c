#include "bench/command/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static const struct allocator_ref *ref_of(const struct bench_session *s, const struct plan_run *run)
{
	return run->allocator == PLAN_LOOP ? s->loop : s->refs[run->allocator];
}

struct bench_key bench_session_key(const struct bench_session *s, const struct plan_run *run)
{
	const struct plan_entry *e = &s->entries[run->entry];
	struct bench_key k = {
		.threads = e->item->threads && s->threads ? s->threads : e->item->threads,
		.rep = run->block + 1,
		.block = run->block,
		.seed = s->seed,
		.scale_percent = s->scale_percent,
		.time_ns = s->time_ns,
	};

	snprintf(k.workload, sizeof(k.workload), "%s", e->item->name);
	snprintf(k.allocator, sizeof(k.allocator), "%s", ref_of(s, run)->name);
	snprintf(k.build, sizeof(k.build), "%s", e->kind->name);
	snprintf(k.after, sizeof(k.after), "%s", e->after);
	return k;
}

/* The rest takes as long as the same number of runs so far. */
static void tell(const struct bench_session *s, const struct bench_key *k)
{
	size_t behind = s->present + s->made, left = s->planned - behind;
	double each = s->made ? (double)(now_ns() - s->began_ns) / 1e9 / (double)s->made : 0;
	char line[512];
	int len = snprintf(line, sizeof(line), "[%zu/%zu] %.60s%s%.15s on %.80s, repetition %u",
			   behind + 1, s->planned, k->workload,
			   strcmp(k->build, "sampled") == 0 ? ", sampled," : "",
			   k->after[0] ? k->after : "", k->allocator, k->rep);

	if (s->made)
		snprintf(line + len, sizeof(line) - (size_t)len, ", about %.0f s left",
			 each * (double)left);
	s->progress(line);
}

/* What the loop cost on the void allocator in the same block is taken off. */
static void add_net(const struct bench_session *s, struct bench_result *r)
{
	const struct bench_metric *whole = result_metric(r, metric_kinds[METRIC_NS_PER_OP].name);
	struct bench_key key = r->key;
	const struct result_line *loop;
	const struct result_value *cost;

	if (!s->loop || !whole || r->status != STATUS_OK || r->ref == s->loop)
		return;
	snprintf(key.allocator, sizeof(key.allocator), "%s", s->loop->name);
	loop = rows_find(&s->file->rows, &key);
	cost = loop && loop->status == STATUS_OK ? result_line_metric(loop, whole->name) : NULL;
	if (cost)
		result_add(r, METRIC_NET_NS_PER_OP, whole->value - cost->value);
}

/* A run that ended in another way has no figures that could be compared. */
static void keep_to_contract(struct bench_result *r)
{
	if (r->status != STATUS_OK)
		r->nmetrics = 0;
}

/* What the void allocator cannot do says nothing of others. */
static void count(struct bench_session *s, const struct plan_run *run, enum bench_status status)
{
	if (run->allocator != PLAN_LOOP)
		s->with_status[status]++;
}

static int run_one(struct bench_session *s, const struct plan_run *run, struct bench_result *r)
{
	const struct plan_entry *e = &s->entries[run->entry];
	const struct allocator_ref *ref = ref_of(s, run);
	int err = 0;

	*r = (struct bench_result){.key = bench_session_key(s, run), .ref = ref};
	if (s->progress)
		tell(s, &r->key);
	e->kind->run(&s->tools, e->item, ref, r);
	keep_to_contract(r);
	if (r->status != STATUS_INTERRUPTED && !s->interrupted()) {
		if (e->loop)
			add_net(s, r);
		count(s, run, r->status);
		s->states[s->nstates++] = r->before;
		s->states[s->nstates++] = r->after;
		s->made++;
		err = bench_file_add(s->file, result_json(r));
	}
	e->kind->release(r);
	return err;
}

static int run_all(struct bench_session *s, const struct plan *plan, struct bench_result *r)
{
	for (size_t i = 0; i < plan->n && !s->interrupted(); i++) {
		const struct bench_key key = bench_session_key(s, &plan->runs[i]);

		const struct result_line *done = rows_find(&s->file->rows, &key);

		if (done) {
			s->present++;
			count(s, &plan->runs[i], done->status);
			continue;
		}
		int err = run_one(s, &plan->runs[i], r);

		if (err) {
			cli_complain_write(s->file->path, err);
			return EXIT_BROKEN;
		}
	}
	return 0;
}

static int no_memory(void)
{
	cli_complain("%s", strerror(ENOMEM));
	return EXIT_BROKEN;
}

int bench_session_run(struct bench_session *s)
{
	struct plan plan;

	if (plan_make(s->entries, s->nentries, s->nrefs, s->seed, &plan) != 0)
		return no_memory();
	struct bench_result *r = calloc(1, sizeof(*r));
	int code;

	s->states = calloc(2 * plan.n + 1, sizeof(*s->states));
	s->planned = plan.n;
	s->began_ns = now_ns();
	code = r && s->states ? run_all(s, &plan, r) : no_memory();
	free(r);
	plan_release(&plan);
	return code;
}

void bench_session_release(struct bench_session *s)
{
	free(s->states);
	s->states = NULL;
	s->nstates = 0;
}

int bench_session_exit_code(const struct bench_session *s)
{
	const unsigned *n = s->with_status;

	if (n[STATUS_BROKEN] || n[STATUS_WRONG_ALLOCATOR])
		return EXIT_BROKEN;
	if (n[STATUS_CRASH] || n[STATUS_TIMEOUT] || n[STATUS_WRONG_OUTPUT] ||
	    n[STATUS_OUT_OF_MEMORY])
		return EXIT_FINDING;
	return n[STATUS_UNSUPPORTED] && !n[STATUS_OK] ? EXIT_UNSUPPORTED : EXIT_CLEAN;
}
