#include "fuzz/proof.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/sightings.h"
#include "harness/cli/hunt.h"

#define TRIES	     3
#define CHANCE_TRIES 20
#define CHANCE_NS    2000000000u
/* Programs with the last: as many as are read by a person, and what they may take. */
#define SHORT_PAST	 8
#define HISTORY_LIMIT_NS 10000000000u
#define THIN_LIMIT_NS	 5000000000u

static bool tell_all(const struct proof_search *s, const struct outcome_of_run *r,
		     const struct input_text *program)
{
	bool shown = false;

	if (r->verdict.outcome == OUTCOME_BROKEN)
		return false;
	for (unsigned i = 0; i < r->verdict.nfindings; i++) {
		const struct proof p = {.finding = &r->verdict.finding[i], .program = program};

		s->on_proof(s->ctx, &p);
		shown |= hunt_is_same(p.finding->signature, s->signature);
	}
	return shown;
}

/* It is not by chance, takes long runs to confirm, and in them begins anew. */
static bool is_growth(const struct proof_search *s)
{
	return strncmp(s->signature, "map-growth/", 11) == 0 ||
	       strncmp(s->signature, "footprint-growth/", 17) == 0;
}

static bool shows_once(const struct proof_search *s, const struct input_text *program)
{
	struct runner_options options = s->feeding->run;
	struct outcome_of_run r;
	struct program p;

	options.sampled_rounds |= is_growth(s);
	if (program_from_text("input", program->text, program->len, &p) != 0)
		return false;
	runner_run(&s->feeding->subject, &p, &options, &r);
	bool shown = tell_all(s, &r, program);

	runner_release(&r);
	program_release(&p);
	return shown;
}

static bool shows(const struct proof_search *s, const struct input_text *program)
{
	unsigned tries = program->by_chance ? CHANCE_TRIES : TRIES;

	if (is_growth(s))
		tries = 1;
	uint64_t begin = hunt_now_ns();

	for (unsigned i = 0; i < tries; i++) {
		if (shows_once(s, program))
			return true;
		if (i + 1 >= TRIES && hunt_now_ns() - begin > CHANCE_NS)
			break;
	}
	return false;
}

static bool shows_joined(const struct proof_search *s, const struct input_text *texts, unsigned n,
			 bool drain)
{
	const struct input_join join = {.texts = texts, .n = n, .drain = drain};
	struct input_text joined;

	return input_join(s->input, &join, &joined) == 0 && shows(s, &joined);
}

/* The programs of a child so far, the oldest first. */
struct past {
	struct input_text v[FEEDING_HISTORY];
	unsigned n;
};

void past_free(struct past *p)
{
	for (unsigned i = 0; p && i < p->n; i++)
		free((char *)p->v[i].text);
	free(p);
}

static struct past *copy_last(const struct feeder *f, unsigned most)
{
	struct past *p = calloc(1, sizeof(*p));
	struct feed_text text;
	unsigned n = 0;

	if (!p)
		return NULL;
	while (n < most && feeder_history(f, n, &text))
		n++;
	for (unsigned i = 0; i < n && feeder_history(f, n - 1 - i, &text); i++) {
		char *copy = malloc(text.len + 1);

		if (!copy)
			break;
		memcpy(copy, text.text, text.len);
		p->v[p->n++] = (struct input_text){.text = copy, .len = text.len};
	}
	if (n && p->n == n)
		return p;
	past_free(p);
	return NULL;
}

struct past *past_copy(const struct feeding *f)
{
	return copy_last(feeding_feeder(f), FEEDING_HISTORY);
}

/* The finding that is searched for, in words; or false. */
static bool result_shows(const struct proof_search *s, const struct feed_result *r,
			 struct verdict_finding *ret)
{
	static struct verdict_finding all[FINDING_MAX + 1];
	static struct finding growth;
	unsigned n = feeding_describe(s->feeding, r, &growth, all);

	for (unsigned i = 0; i < n; i++) {
		/* What seems to grow is no proof of growth. */
		if (all[i].finding == &growth || !hunt_is_same(all[i].signature, s->signature))
			continue;
		*ret = all[i];
		return true;
	}
	return false;
}

/* Programs of one child, of which the last has shown it; n 0: none has. */
struct showing {
	const struct input_text *texts;
	unsigned n;
	struct feed_result result;
	struct finding plain;
	struct verdict_finding finding;
	struct input_text kept[FEEDING_HISTORY]; /* where it is not all of the past any more */
};

static void replay(const struct proof_search *s, const struct input_text *texts, unsigned n,
		   struct showing *ret)
{
	struct feeder *f;

	ret->n = 0;
	if (feeder_new(&s->feeding->options, &f) != 0)
		return;
	for (unsigned at = 0; at < n && !ret->n; at++) {
		if (feeder_run(f, texts[at].text, texts[at].len, &ret->result) != 0)
			break;
		if (!result_shows(s, &ret->result, &ret->finding))
			continue;
		ret->plain = *ret->finding.finding;
		ret->finding.finding = &ret->plain;
		/* A child that ended on the way took its past with it. */
		ret->n = (unsigned)feeder_counts(f).programs;
		ret->texts = texts + at + 1 - ret->n;
	}
	feeder_free(f);
}

/* All but `count` programs from `at` on. */
static unsigned leave_out(const struct input_text *texts, unsigned n, unsigned at, unsigned count,
			  struct input_text *ret)
{
	memcpy(ret, texts, at * sizeof(*texts));
	memcpy(ret + at, texts + at + count, (n - at - count) * sizeof(*texts));
	return n - count;
}

static void keep(struct showing *shown, const struct showing *next)
{
	shown->n = next->n;
	memmove(shown->kept, next->texts, next->n * sizeof(shown->kept[0]));
	shown->texts = shown->kept;
	shown->plain = next->plain;
	shown->finding = next->finding;
	shown->finding.finding = &shown->plain;
}

/* One pass that leaves out so many programs at a time, where it shows without them too. */
static void thin_by(const struct proof_search *s, unsigned count, uint64_t end_ns,
		    struct showing *shown)
{
	static struct input_text fewer[FEEDING_HISTORY];
	static struct showing next;

	for (unsigned at = 0; at + count < shown->n && hunt_now_ns() < end_ns;) {
		unsigned left = leave_out(shown->texts, shown->n, at, count, fewer);

		replay(s, fewer, left, &next);
		if (next.n)
			keep(shown, &next);
		else
			at += count;
	}
}

/* Fewer programs that show it too, as far as time goes. */
static void thin(const struct proof_search *s, struct showing *shown)
{
	uint64_t end_ns = hunt_now_ns() + THIN_LIMIT_NS;

	for (unsigned count = shown->n / 2; count; count /= 2)
		thin_by(s, count, end_ns, shown);
}

/* False where the program alone has shown it, but only as long as it was fed. */
static bool tell_history(const struct proof_search *s, const struct showing *shown)
{
	if (shows_joined(s, shown->texts, shown->n, false) ||
	    shows_joined(s, shown->texts, shown->n, true))
		return true;
	const struct proof p = {
		.finding = &shown->finding,
		.program = &shown->texts[shown->n - 1],
		.history = shown->texts,
		.nhistory = shown->n - 1,
	};

	if (p.nhistory)
		s->on_proof(s->ctx, &p);
	return p.nhistory > 0;
}

/* Behind one program, three, seven, ... and all that there are. */
static bool shows_behind(const struct proof_search *s, const struct past *past)
{
	static struct showing shown;
	uint64_t begin = hunt_now_ns();

	for (unsigned n = 2; hunt_now_ns() - begin < HISTORY_LIMIT_NS; n *= 2) {
		unsigned most = n < past->n ? n : past->n;

		replay(s, past->v + past->n - most, most, &shown);
		if (shown.n)
			thin(s, &shown);
		if (shown.n && tell_history(s, &shown))
			return true;
		if (most == past->n)
			break;
	}
	return false;
}

bool proof_find(const struct proof_search *s)
{
	if (is_growth(s))
		return shows(s, s->program);
	if (shows(s, s->program) || shows_joined(s, s->program, 1, true))
		return true;
	struct past *past = copy_last(feeding_feeder(s->feeding), SHORT_PAST);
	bool shown = past && shows_behind(s, past);

	past_free(past);
	return shown;
}

bool proof_find_behind(const struct proof_search *s, const struct past *past)
{
	return !is_growth(s) && shows_behind(s, past);
}
