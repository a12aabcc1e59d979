#include "fuzz/climb.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"

/* Of the slowest call the smallest of so many runs: what interrupts a run makes it slower alone. */
#define RUNS 3

static struct feed_result result;

static void time_only(struct feed_options *o)
{
	o->run.oracles = o->run.watch = o->resident = false;
	o->timed = true;
}

int climb_open(struct climb *c, const char *allocator, const struct target_flags *flags)
{
	*c = (struct climb){.goal = flags->climb, .path = flags->worst};
	if (c->goal != GOAL_LATENCY)
		return 0;
	c->timing = calloc(1, sizeof(*c->timing));
	if (!c->timing) {
		cli_complain("out of memory");
		return EXIT_BROKEN;
	}
	int code = feeding_open(c->timing, allocator, flags, 0);

	if (!code) {
		time_only(&c->timing->options);
		if (feeding_renew(c->timing) != 0)
			code = EXIT_BROKEN;
	}
	return code;
}

static uint64_t least(const struct climb *c, struct feeder *f, const struct input_text *t)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < RUNS; i++) {
		if (feeder_run(f, t->text, t->len, &result) != 0 || result.end != RUN_END_NORMAL)
			return 0;
		uint64_t milli = goal_milli(c->goal, &result);

		best = milli < best ? milli : best;
	}
	return best;
}

uint64_t climb_measure(struct climb *c, const struct input_text *t, const struct feed_result *fed)
{
	if (fed->end != RUN_END_NORMAL)
		return 0;
	return c->timing ? least(c, feeding_feeder(c->timing), t) : goal_milli(c->goal, fed);
}

/* In a child that has had nothing else. */
static uint64_t measure_afresh(const struct climb *c, const struct feeding *f,
			       const struct input_text *t)
{
	struct feeder *fresh;
	uint64_t milli = 0;

	if (feeder_new(c->timing ? &c->timing->options : &f->options, &fresh) != 0)
		return 0;
	if (c->timing)
		milli = least(c, fresh, t);
	else if (feeder_run(fresh, t->text, t->len, &result) == 0 && result.end == RUN_END_NORMAL)
		milli = goal_milli(c->goal, &result);
	feeder_free(fresh);
	return milli;
}

static int write_worst(const struct climb *c, const struct input_text *t)
{
	char temp[PATH_MAX];

	if (snprintf(temp, sizeof(temp), "%s.%d", c->path, (int)getpid()) >= (int)sizeof(temp))
		return -ENAMETOOLONG;
	FILE *file = fopen(temp, "we");

	if (!file)
		return -errno;
	size_t line = strcspn(t->text, "\n") + 1;

	fprintf(file, "%.*s# %" PRIu64 ".%03" PRIu64 " %s\n", (int)line, t->text,
		c->worst_milli / 1000, c->worst_milli % 1000, goal_unit(c->goal));
	fwrite(t->text + line, 1, t->len - line, file);
	int err = ferror(file) ? -EIO : 0;

	if (fclose(file) != 0 && !err)
		err = -errno;
	if (!err && rename(temp, c->path) != 0)
		err = -errno;
	if (err)
		unlink(temp);
	return err;
}

bool climb_consider(struct climb *c, const struct feeding *f, const struct input_text *t,
		    uint64_t fed_milli)
{
	if (fed_milli <= c->worst_milli || fed_milli <= c->refuted_milli)
		return false;
	uint64_t milli = measure_afresh(c, f, t);

	if (milli <= c->worst_milli) {
		c->refuted_milli = fed_milli;
		return false;
	}
	c->worst_milli = milli;
	c->refuted_milli = 0;
	int err = c->path ? write_worst(c, t) : 0;

	if (err)
		cli_complain("cannot write %s: %s", c->path, strerror(-err));
	return true;
}
