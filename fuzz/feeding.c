#include "fuzz/feeding.h"

#include <errno.h>
#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/paths.h"
#include "harness/oracle/growth.h"

#define THREADS 4
/* A fresh run that is longer proves nothing that a fuzzer has time for. */
#define LIMIT_NS 30000000000u

static const char nothing[] = "allocrig 1\n";

static struct runner_options run_options(const struct target_flags *flags)
{
	struct runner_options o = runner_defaults();

	o.load = flags->load;
	o.hang_ns = flags->hang_ns;
	o.strict = flags->strict;
	o.sampling = false;
	o.limit_ns = LIMIT_NS;
	return o;
}

static int complain_unusable(const struct feeding *f, const struct verdict *v)
{
	cli_complain("%s cannot be fuzzed: %s: %s", f->name, outcome_name(v->outcome), v->reason);
	return v->outcome == OUTCOME_UNSUPPORTED ? EXIT_UNSUPPORTED : EXIT_MISUSE;
}

/* What cannot be loaded is said once, and not with every input. */
static int probe(const struct feeding *f)
{
	struct outcome_of_run r;
	struct program p;
	int err = program_from_text("nothing", nothing, sizeof(nothing) - 1, &p), code = 0;

	if (err) {
		cli_complain("cannot run anything: %s", strerror(-err));
		return EXIT_BROKEN;
	}
	runner_run(&f->subject, &p, &f->run, &r);
	if (r.verdict.outcome == OUTCOME_UNSUPPORTED || r.verdict.outcome == OUTCOME_BROKEN)
		code = complain_unusable(f, &r.verdict);
	runner_release(&r);
	program_release(&p);
	return code;
}

static int start_feeder(struct feeding *f)
{
	int err = feeding_renew(f);

	if (err)
		cli_complain("cannot feed %s: %s", f->name, strerror(-err));
	return err ? EXIT_BROKEN : 0;
}

int feeding_open(struct feeding *f, const char *name, const struct target_flags *flags,
		 uint32_t outcomes)
{
	*f = (struct feeding){
		.name = name,
		.run = run_options(flags),
		.resident = flags->climb == GOAL_RETAINED,
	};
	int code = subject_open(name, &f->run, &f->subject);

	if (code)
		return code;
	int err = paths_child(f->child);

	if (err) {
		cli_complain("cannot find allocrig-child beside this program: %s", strerror(-err));
		code = EXIT_BROKEN;
	}
	if (!code)
		code = probe(f);
	f->options = (struct feed_options){
		.run = runner_request(&f->subject, &f->run),
		.threads = THREADS,
		.history = FEEDING_HISTORY,
		.outcomes = outcomes,
	};
	f->options.run.child = f->child;
	f->options.run.watch = true;
	if (!code)
		code = start_feeder(f);
	if (code)
		subject_release(&f->subject);
	return code;
}

void feeding_release(struct feeding *f)
{
	feeder_free(f->feeder[0]);
	feeder_free(f->feeder[1]);
	subject_release(&f->subject);
	*f = (struct feeding){0};
}

struct feeder *feeding_feeder(const struct feeding *f)
{
	return f->feeder[f->last];
}

uint64_t feeding_children(const struct feeding *f)
{
	uint64_t children = f->children_before;

	for (int i = 0; i < 2; i++)
		children += f->feeder[i] ? feeder_counts(f->feeder[i]).children : 0;
	return children;
}

int feeding_renew(struct feeding *f)
{
	struct feeder **at = &f->feeder[f->last], *next;
	int err = feeder_new(&f->options, &next);

	if (err)
		return err;
	if (*at)
		f->children_before += feeder_counts(*at).children;
	feeder_free(*at);
	*at = next;
	return 0;
}

/* It costs more than all else of a short program: of one in eight, and always the same ones. */
static bool wants_resident(const struct feeding *f, const struct input_text *t)
{
	return f->resident || (t->len + (unsigned char)t->text[t->len / 2]) % 8 == 0;
}

int feeding_run(struct feeding *f, const struct input_text *t, struct feed_result *ret)
{
	f->last = t->ballast;
	struct feeder *feeder = feeding_feeder(f);
	/* Before the history is longer than what is kept. */
	bool old = !feeder || feeder_counts(feeder).programs >= FEEDING_HISTORY;
	int err = old ? feeding_renew(f) : 0;

	if (err)
		return err;
	feeder_set_resident(feeding_feeder(f), wants_resident(f, t));
	return feeder_run(feeding_feeder(f), t->text, t->len, ret);
}

unsigned feeding_describe(const struct feeding *f, const struct feed_result *r,
			  struct finding *growth, struct verdict_finding *ret)
{
	const struct profile *profile = f->subject.has_profile ? &f->subject.profile : NULL;
	const struct verdict_traces traces = {r->stacks, r->nstacks, r->output, r->output_len};
	unsigned n = 0;

	for (uint32_t i = 0; i < r->findings.n && i < FINDING_MAX; i++)
		verdict_describe(&traces, profile, &r->findings.v[i], &ret[n++]);
	if (r->end == RUN_END_NORMAL && r->growth.suspected) {
		growth_finding(r->growth.stmt, &r->growth.line, growth);
		verdict_describe(&traces, profile, growth, &ret[n++]);
	}
	return n;
}
