#include "bench/command/select.h"

#include <fnmatch.h>
#include <string.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"

#define REPS 5

int offer_read(const struct bench_kind *const *kinds, const struct bench_tools *t,
	       struct offer *ret_offer)
{
	struct offer *o = ret_offer;

	o->n = 0;
	for (; *kinds; kinds++) {
		unsigned first = o->n;
		int err = (*kinds)->list(t, o->items, &o->n, SELECT_ITEMS);

		if (err) {
			cli_complain("cannot list what there is to run (%s): %s", (*kinds)->name,
				     strerror(-err));
			return EXIT_BROKEN;
		}
		for (unsigned i = first; i < o->n; i++)
			o->kind[i] = *kinds;
	}
	return 0;
}

static bool is_kind(const struct bench_kind *kind, const char *name)
{
	return strcmp(kind->name, name) == 0;
}

void offer_print(const struct offer *o, FILE *out)
{
	int width = 8;

	for (unsigned i = 0; i < o->n; i++)
		if ((int)strlen(o->items[i].name) > width)
			width = (int)strlen(o->items[i].name);
	fprintf(out, "%-*s  %-7s  %7s  %-5s  %s\n", width, "WORKLOAD", "KIND", "THREADS", "QUICK",
		"SUMMARY");
	for (unsigned i = 0; i < o->n; i++) {
		const struct bench_item *item = &o->items[i];
		char threads[16] = "-";

		if (is_kind(o->kind[i], "sampled"))
			continue;
		if (item->threads)
			snprintf(threads, sizeof(threads), "%u", item->threads);
		fprintf(out, "%-*s  %-7s  %7s  %-5s  %s\n", width, item->name, o->kind[i]->name,
			threads, item->quick ? "yes" : "", item->summary);
	}
}

static bool is_named(const struct bench_command *c, const char *name)
{
	for (unsigned i = 0; i < c->workloads.n; i++)
		if (fnmatch(c->workloads.word[i], name, 0) == 0)
			return true;
	return false;
}

/* The limit is asked for with a word of its own. */
static bool is_of_command(const struct bench_command *c, const struct bench_kind *kind)
{
	return is_kind(kind, "limit") == c->maps;
}

/* What is quick is quick in both builds: kernel calls are counted in one of them alone. */
static bool is_quick(const struct offer *o, unsigned i)
{
	for (unsigned j = 0; j < o->n; j++)
		if (o->items[j].quick && strcmp(o->items[j].name, o->items[i].name) == 0)
			return true;
	return false;
}

static bool is_wanted(const struct bench_command *c, const struct offer *o, unsigned i)
{
	if (!is_of_command(c, o->kind[i]))
		return false;
	if (is_kind(o->kind[i], "sampled") && c->latency == 0)
		return false;
	if (c->workloads.n)
		return is_named(c, o->items[i].name);
	return !c->quick || c->maps || is_quick(o, i);
}

static unsigned reps_of(const struct bench_command *c, const struct bench_kind *kind)
{
	bool timed = is_kind(kind, "timed"), limit = is_kind(kind, "limit");

	if (limit)
		return c->reps ? c->reps : 1;
	/* What is quiet says the same each time. */
	if (c->quick && !timed)
		return 1;
	return c->reps ? c->reps : REPS;
}

static void add_entry(struct selection *s, const struct bench_command *c, const struct offer *o,
		      unsigned i, const char *after, bool has_loop)
{
	s->entries[s->n++] = (struct plan_entry){
		.item = &o->items[i],
		.kind = o->kind[i],
		.after = after,
		.loop = has_loop && is_kind(o->kind[i], "timed") && !after[0],
		.reps = reps_of(c, o->kind[i]),
	};
}

static void add_item(struct selection *s, const struct bench_command *c, const struct offer *o,
		     unsigned i, bool has_loop)
{
	bool watched = is_kind(o->kind[i], "timed") && c->after.n;

	if (c->time_ns && o->items[i].only_fixed) {
		s->left_out += !is_kind(o->kind[i], "sampled");
		return;
	}
	if (!watched)
		add_entry(s, c, o, i, "", has_loop);
	for (unsigned j = 0; watched && j < c->after.n; j++)
		add_entry(s, c, o, i, c->after.word[j], has_loop);
}

static int check_names(const struct bench_command *c, const struct offer *o)
{
	for (unsigned i = 0; i < c->workloads.n; i++) {
		const char *word = c->workloads.word[i];
		unsigned j = 0;

		while (j < o->n &&
		       !(is_of_command(c, o->kind[j]) && fnmatch(word, o->items[j].name, 0) == 0))
			j++;
		if (j < o->n)
			continue;
		cli_complain("no workload is named '%s'; type 'allocrig bench --list' to see them",
			     word);
		return EXIT_MISUSE;
	}
	return 0;
}

int select_entries(const struct bench_command *c, const struct offer *o, bool has_loop,
		   struct selection *ret_selection)
{
	struct selection *s = ret_selection;
	int code = check_names(c, o);

	s->n = s->left_out = 0;
	for (unsigned i = 0; i < o->n && !code; i++)
		if (is_wanted(c, o, i))
			add_item(s, c, o, i, has_loop);
	if (!code && !s->n) {
		cli_complain(s->left_out ? "these workloads have fixed work alone; without --time "
					   "they can be run"
					 : "there is nothing to run here; type 'allocrig bench "
					   "--list' to see what there is");
		code = EXIT_MISUSE;
	}
	return code;
}
