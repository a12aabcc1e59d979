#include "harness/cli/one_child.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/paths.h"

/* What the judge of runs reads, taken from what a fed child has told. */
struct as_run {
	struct run_result result;
	struct verdict verdict;
	struct run_shared shared; /* without logs */
};

static const struct verdict *judge(const struct one_child *c, const struct feed_result *r,
				   struct as_run *a)
{
	const struct subject *s = c->subject;
	const struct verdict_input in = {
		.result = &a->result,
		.allocator = &s->ref,
		.profile = s->has_profile ? &s->profile : NULL,
		.strict = c->options->strict,
	};

	memset(&a->result, 0, sizeof(a->result));
	a->result.end = r->end;
	a->result.shared = &a->shared;
	memcpy(a->result.stacks, r->stacks, sizeof(r->stacks));
	a->result.nstacks = r->nstacks;
	memcpy(a->result.output, r->output, sizeof(r->output));
	a->result.output_len = r->output_len;
	memcpy(a->result.broken, r->reason, sizeof(a->result.broken) - 1);
	a->shared.findings = r->findings;
	a->shared.refusal = (uint32_t)r->refusal;
	verdict_judge(&in, &a->verdict);
	return &a->verdict;
}

static struct feed_options options_of(const struct one_child *c, const char *child,
				      struct fault_rule rules[FAULT_RULES])
{
	const struct runner_options *o = c->options;
	struct feed_options feed = {.run = runner_request(c->subject, o), .history = 1};

	memcpy(rules, o->faults, sizeof(o->faults));
	feed.run.child = child;
	feed.run.watch = o->watch && o->oracles;
	feed.run.has_ballast = o->has_ballast;
	feed.run.ballast = o->ballast;
	feed.run.faults = rules;
	feed.run.nfaults = o->nfaults;
	feed.run.on_tape = NULL;
	return feed;
}

static int run_each(const struct one_child *c, struct feeder *f, const struct feed_text *programs,
		    uint32_t n)
{
	struct feed_result *result = calloc(1, sizeof(*result));
	struct as_run *as_run = calloc(1, sizeof(*as_run));
	int err = result && as_run ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < n && !err; i++) {
		err = feeder_run(f, programs[i].text, programs[i].len, result);
		if (!err && runner_interrupted())
			err = -EINTR;
		if (!err)
			err = c->told(c->ctx, i, result, judge(c, result, as_run));
	}
	free(result);
	free(as_run);
	return err;
}

int one_child_run(const struct one_child *c, const struct feed_text *programs, uint32_t n)
{
	struct fault_rule rules[FAULT_RULES];
	struct feeder *f = NULL;
	char child[PATH_MAX];
	int err = paths_child(child);
	const struct feed_options o = options_of(c, child, rules);

	if (!err)
		err = feeder_new(&o, &f);
	if (!err)
		err = run_each(c, f, programs, n);
	feeder_free(f);
	return err;
}
