/*
 * feed_bench.c - what an input costs that is fed to one child.
 *
 *	feed-bench [ALLOCATOR...]
 *
 * The same random inputs (feed_inputs.h) go to one child of each allocator: with everything on, and
 * without oracles and kernel calls seen. An empty program is the hand-over alone, and its undoing;
 * a child for each input is what is saved. All are taken in turns, and medians over the rounds are
 * printed, in microseconds of an input. Controller and child share the processors that the caller
 * leaves them: on one (taskset -c 0) they take turns on it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/cost/feed_inputs.h"
#include "harness/cli/paths.h"
#include "harness/cli/runner.h"
#include "harness/exec/feed.h"

#define ROUNDS 7
#define INPUTS 200
#define EMPTY  2000
#define FRESH  10

static const char *const usual[] = {"glibc", "jemalloc", "mimalloc", "tcmalloc",
				    "scudo", "guard",	 "kernel"};

enum measured { ALL_ON, PLAIN, EMPTY_ON, EMPTY_PLAIN, OWN_CHILD, MEASURED };

struct bench {
	struct subject subject;
	char child[PATH_MAX];
	struct feeder *on, *plain;
	struct input *inputs;	  /* [INPUTS] */
	uint64_t executed, calls; /* of all inputs once, with everything on */
};

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int feeder_for(const struct bench *b, bool everything, struct feeder **ret_feeder)
{
	struct runner_options run = runner_defaults();

	run.oracles = everything;
	struct feed_options o = {.run = runner_request(&b->subject, &run)};

	o.run.child = b->child;
	o.run.watch = everything;
	return feeder_new(&o, ret_feeder);
}

static uint64_t kernel_calls(const struct feed_result *r)
{
	uint64_t sum = 0;

	for (int i = 0; i < KCALL_COUNT; i++)
		sum += r->made[i];
	return sum;
}

/* Microseconds of one, or less than 0. */
static double feed_inputs(struct bench *b, struct feeder *f, bool count)
{
	static struct feed_result r;
	double begin = now_us();

	b->executed = count ? 0 : b->executed;
	b->calls = count ? 0 : b->calls;
	for (int i = 0; i < INPUTS; i++) {
		if (feeder_run(f, b->inputs[i].text, b->inputs[i].len, &r) != 0)
			return -1;
		b->executed += count ? r.executed : 0;
		b->calls += count ? kernel_calls(&r) : 0;
	}
	return (now_us() - begin) / INPUTS;
}

static double feed_empty(struct feeder *f)
{
	static const char text[] = "allocrig 1\n";
	static struct feed_result r;
	double begin = now_us();

	for (int i = 0; i < EMPTY; i++)
		if (feeder_run(f, text, sizeof(text) - 1, &r) != 0 || r.end != RUN_END_NORMAL)
			return -1;
	return (now_us() - begin) / EMPTY;
}

static double feed_fresh(struct bench *b)
{
	static struct feed_result r;
	double begin = now_us();

	for (int i = 0; i < FRESH; i++) {
		struct feeder *f;
		int err = feeder_for(b, true, &f);

		if (err)
			return -1;
		err = feeder_run(f, b->inputs[i].text, b->inputs[i].len, &r);
		feeder_free(f);
		if (err)
			return -1;
	}
	return (now_us() - begin) / FRESH;
}

static double measure(struct bench *b, enum measured what)
{
	switch (what) {
	case ALL_ON:
		return feed_inputs(b, b->on, true);
	case PLAIN:
		return feed_inputs(b, b->plain, false);
	case EMPTY_ON:
		return feed_empty(b->on);
	case EMPTY_PLAIN:
		return feed_empty(b->plain);
	default:
		return feed_fresh(b);
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The first round warms everything up. */
static int measure_all(struct bench *b, double ret_us[MEASURED])
{
	double us[MEASURED][ROUNDS];

	for (int round = -1; round < ROUNDS; round++)
		for (int what = 0; what < MEASURED; what++) {
			double one = measure(b, (enum measured)what);

			if (one < 0)
				return -EIO;
			if (round >= 0)
				us[what][round] = one;
		}
	for (int what = 0; what < MEASURED; what++) {
		qsort(us[what], ROUNDS, sizeof(us[what][0]), by_value);
		ret_us[what] = us[what][ROUNDS / 2];
	}
	return 0;
}

static int open_bench(const char *name, struct bench *b)
{
	struct runner_options run = runner_defaults();
	int err = subject_open(name, &run, &b->subject) ? -EINVAL : paths_child(b->child);

	if (!err)
		err = feeder_for(b, true, &b->on);
	if (!err)
		err = feeder_for(b, false, &b->plain);
	for (int i = 0; i < INPUTS && !err; i++)
		feed_input((uint64_t)i, subject_is_kernel(&b->subject), &b->inputs[i]);
	return err;
}

static void print_row(const char *name, const struct bench *b, const double us[MEASURED])
{
	printf("%-9s %9.1f %9.1f %6.2f %9.1f %9.1f %10.0f %8.1f %8.1f %9lu\n", name, us[ALL_ON],
	       us[PLAIN], us[PLAIN] / us[ALL_ON], us[EMPTY_ON], us[EMPTY_PLAIN], us[OWN_CHILD],
	       (double)b->executed / INPUTS, (double)b->calls / INPUTS,
	       (unsigned long)feeder_counts(b->on).children);
	fflush(stdout);
}

static int bench_one(const char *name)
{
	struct bench b = {.inputs = calloc(INPUTS, sizeof(struct input))};
	double us[MEASURED];
	int err = b.inputs ? open_bench(name, &b) : -ENOMEM;

	if (!err)
		err = measure_all(&b, us);
	if (!err)
		print_row(name, &b, us);
	feeder_free(b.on);
	feeder_free(b.plain);
	subject_release(&b.subject);
	free(b.inputs);
	return err;
}

int main(int argc, char **argv)
{
	const char *const *names = argc > 1 ? (const char *const *)argv + 1 : usual;
	size_t n = argc > 1 ? (size_t)argc - 1 : sizeof(usual) / sizeof(usual[0]);
	int err = 0;

	printf("%-9s %9s %9s %6s %9s %9s %10s %8s %8s %9s\n", "", "all on us", "plain us", "ratio",
	       "empty us", "(plain)", "own child", "ops", "kcalls", "children");
	for (size_t i = 0; i < n && !err; i++)
		err = bench_one(names[i]);
	if (err)
		fprintf(stderr, "feed-bench: %s\n", strerror(-err));
	return err ? 2 : 0;
}
