#include "harness/cli/describe.h"

#include <string.h>

int describe_run(const struct subject *s, const struct runner_options *o, const char *text,
		 struct described_run *ret_run)
{
	struct described_run *r = ret_run;

	*r = (struct described_run){.program.fd = -1};
	int err = program_from_text("describe", text, strlen(text), &r->program);

	if (err)
		return err;
	runner_run(s, &r->program, o, &r->run);
	r->ran = r->run.result.shared && r->run.result.end == RUN_END_NORMAL &&
		 r->run.verdict.outcome != OUTCOME_BROKEN;
	return 0;
}

void described_run_release(struct described_run *r)
{
	runner_release(&r->run);
	program_release(&r->program);
}

int describe_measure(const struct subject *s, const struct runner_options *o,
		     const struct rulebook *book, struct description *ret_d)
{
	struct description *d = ret_d;

	*d = (struct description){0};
	int err = describe_classes(s, o, d);

	if (!err)
		err = describe_threshold(s, o, d);
	if (!err)
		err = describe_overhead(s, o, d);
	if (!err)
		err = describe_kept(s, o, d);
	if (!err)
		describe_rules(s, o, book, d);
	return err;
}
