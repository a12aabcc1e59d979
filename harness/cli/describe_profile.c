/*
 * describe_profile.c - what was measured, as a first profile.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "harness/cli/conformance.h"
#include "harness/cli/describe.h"
#include "harness/cli/print.h"

/* In pieces: it marks what the reader of the profile has to do, not what is missing here. */
#define UNDECIDED                                                                                  \
	"TO"                                                                                       \
	"DO"

static void put_head(FILE *out, const struct subject *s, const struct description *d)
{
	const char *version = s->ref.version;

	fprintf(out,
		"# %s, measured by allocrig. A first profile: read each line and say why it is "
		"right.\n"
		"# The format is in allocators/profiles/README.md.\n",
		s->ref.name);
	if (d->version_by_itself[0])
		fprintf(out, "# It says of itself that it is %s.\n", d->version_by_itself);
	if (*version && !strpbrk(version, " \t"))
		fprintf(out, "versions %s %s\n", version, version);
	else
		fprintf(out, "versions *\n");
}

static void put_answers(FILE *out, const struct description *d)
{
	for (uint32_t i = 0; i < d->nanswers; i++) {
		const struct answer *a = &d->answer[i];

		if (answer_is_given(a->value.s))
			fprintf(out, "answer %s %s measured: %s gives: %s\n", a->rule->profile,
				a->value.s, a->rule->question, answer_words(a->value.s).s);
		else
			fprintf(out, "# no answer to %s: %s\n", a->rule->profile,
				answer_words(a->value.s).s);
	}
}

static void put_kept(FILE *out, const struct left_behind *k, const char *when)
{
	if (k->bytes >= 0)
		fprintf(out, "retention measured of 366 MiB in 300000 blocks %s stay resident %s\n",
			print_size(k->bytes).s, when);
}

static void put_retention(FILE *out, const struct description *d)
{
	if (d->mmap_threshold)
		fprintf(out,
			"retention measured blocks from %" PRIu64
			" bytes on get a mapping of their own\n",
			d->mmap_threshold);
	else
		fprintf(out,
			"retention measured no block up to 64 MiB gets a mapping of its own\n");
	put_kept(out, &d->freed, "after free");
	put_kept(out, &d->purged, "after a purge");
	put_kept(out, &d->idle, "a second later");
}

/* A word: the glob `?` stands for what would end it. */
static void put_signature(FILE *out, const char *signature)
{
	for (; *signature; signature++)
		fputc(*signature == ' ' || *signature == '\t' ? '?' : *signature, out);
}

static void put_finding(FILE *out, const struct rule *rule, const struct verdict_finding *f)
{
	fprintf(out, "#\n# %s\n# known ", f->message);
	put_signature(out, f->signature);
	fprintf(out, " " UNDECIDED " " UNDECIDED "\n# shown-by conformance/%s\n",
		rule->program.name);
}

static bool is_new(json_t *seen, const char *signature)
{
	if (json_object_get(seen, signature))
		return false;
	json_object_set_new(seen, signature, json_true());
	return true;
}

static void put_findings(FILE *out, const struct subject *s, const struct runner_options *o,
			 const struct rulebook *book)
{
	json_t *seen = json_object();

	fprintf(out, "#\n"
		     "# What the conformance rules found. Where it is accepted, make the lines "
		     "statements: with the\n"
		     "# link of a public report or manual, and the reason. Where it is not, fix "
		     "the allocator.\n");
	for (size_t i = 0; i < book->n && !runner_interrupted(); i++) {
		struct outcome_of_run r;

		print_progress("%zu of %zu: %s on %s", i + 1, book->n, book->rule[i].program.name,
			       s->ref.name);
		runner_run(s, &book->rule[i].program, o, &r);
		print_progress_clear();
		for (unsigned j = 0; j < r.verdict.nfindings; j++)
			if (is_new(seen, r.verdict.finding[j].signature))
				put_finding(out, &book->rule[i], &r.verdict.finding[j]);
		runner_release(&r);
	}
	if (json_object_size(seen) == 0)
		fprintf(out, "# Nothing.\n");
	json_decref(seen);
}

int describe_profile(FILE *out, const struct subject *s, const struct runner_options *o,
		     const struct rulebook *book, const struct description *d)
{
	put_head(out, s, d);
	put_answers(out, d);
	put_retention(out, d);
	put_findings(out, s, o, book);
	return runner_interrupted() ? -EINTR : 0;
}
