#include "harness/cli/hunt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/cli/cli.h"
#include "harness/cli/cmd.h"
#include "harness/cli/one_child.h"
#include "harness/oracle/growth.h"

/* A smaller program does less, unless what cut it short is gone: it may take so much longer. */
#define LIMIT_TIMES 10
#define LIMIT_NS    5000000000u
#define OVER_NS	    2000000000u
/* A rate is not measured for longer, once it has shown or not that often. */
#define MEASURE_NS   3000000000u
#define MEASURE_RUNS 2
/* The longer runs that confirm a growth are made for some 20 s. */
#define GROWTH_LIMIT_NS 60000000000u

/*
 * What hurts most goes first: memory that is not what it must be, then the end of the process, then
 * answers, then what is kept. Of a crash behind an overlap the overlap is the cause.
 */
static const uint8_t gravity[] = {
	FINDING_OVERLAP,
	FINDING_CORRUPTED,
	FINDING_LOST_CONTENT,
	FINDING_DIRTY_ZERO,
	FINDING_SHORT_USABLE,
	FINDING_CRASH,
	FINDING_HANG,
	FINDING_FORK_BROKEN,
	FINDING_ACCEPTED_OVERFLOW,
	FINDING_MISALIGNED,
	FINDING_WRONG_ACCESS,
	FINDING_LOST_MAPPING,
	FINDING_MAP_GROWTH,
	FINDING_FOOTPRINT_GROWTH,
	FINDING_NULL_WITHOUT_CAUSE,
	FINDING_ACCEPTED_BAD_ALIGNMENT,
	FINDING_WRONG_ERRNO,
	FINDING_ERRNO_CLOBBERED,
	FINDING_UNEXPECTED_RESULT,
	FINDING_WRONG_RESIDENCY,
	FINDING_EXPECTATION,
	FINDING_PROFILE_MISMATCH,
};

_Static_assert(sizeof(gravity) == FINDING_KINDS, "each kind has its place");

static size_t place_of(const struct verdict_finding *f)
{
	size_t place = 0;

	while (place < sizeof(gravity) - 1 && gravity[place] != f->finding->kind)
		place++;
	return place + (f->known ? FINDING_KINDS : 0);
}

uint64_t hunt_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

bool hunt_is_growth(const struct hunt *h)
{
	return h->kind == FINDING_MAP_GROWTH || h->kind == FINDING_FOOTPRINT_GROWTH;
}

/* Length of "kind/op/rule", what stands before the frames of a stack. */
static size_t head_length(const char *signature)
{
	const char *at = signature;

	for (unsigned words = 0; words < 3 && *at; words++)
		at += strcspn(at + (words > 0), "/") + (words > 0);
	return (size_t)(at - signature);
}

static bool stands_still(const char *signature, size_t head)
{
	static const char word[] = "/stuck";
	size_t len = sizeof(word) - 1;

	return head > len && strncmp(signature + head - len, word, len) == 0;
}

bool hunt_is_stuck(const struct hunt *h)
{
	return stands_still(h->signature, head_length(h->signature));
}

size_t hunt_key_length(const char *signature)
{
	size_t head = head_length(signature);

	return stands_still(signature, head) ? head : strlen(signature);
}

bool hunt_is_same(const char *signature, const char *other)
{
	size_t len = hunt_key_length(signature);

	return len == hunt_key_length(other) && strncmp(signature, other, len) == 0;
}

static bool suspects(const struct hunt *h, const struct outcome_of_run *r)
{
	const struct run_growth *g = &r->result.shared->growth;
	char signature[sizeof(h->signature)];
	struct finding f;

	if (r->result.end != RUN_END_NORMAL || !g->suspected)
		return false;
	growth_finding(g->stmt, &g->line, &f);
	return finding_signature(&f, signature, sizeof(signature)) >= 0 &&
	       strcmp(signature, h->signature) == 0;
}

static bool shows(const struct hunt *h, const struct outcome_of_run *r)
{
	const struct verdict *v = &r->verdict;

	if (!r->result.shared || v->outcome == OUTCOME_BROKEN)
		return false;
	for (unsigned i = 0; i < v->nfindings; i++)
		if (hunt_is_same(v->finding[i].signature, h->signature))
			return true;
	return h->suspect && suspects(h, r);
}

/* Why no run is made any more, or 0. */
static int over(const struct hunt *h)
{
	if (runner_interrupted())
		return -EINTR;
	return h->deadline_ns && hunt_now_ns() > h->deadline_ns ? -ETIME : 0;
}

/* A run that goes on beyond the deadline is no answer: an older program is kept. */
static uint64_t limit_of_run(const struct hunt *h)
{
	uint64_t limit = h->options.limit_ns, now = hunt_now_ns(), end = h->deadline_ns + OVER_NS;

	if (h->deadline_ns && (!limit || end < now + limit))
		return end - now;
	return limit;
}

static int run_text(struct hunt *h, const struct subject *subject, const char *text, size_t len,
		    bool (*question)(const struct hunt *, const struct outcome_of_run *))
{
	struct program p;
	struct outcome_of_run r;
	int err = program_from_text("shrink", text, len, &p);

	if (err)
		return err;
	struct runner_options o = h->options;

	o.limit_ns = limit_of_run(h);
	runner_run(subject, &p, &o, &r);
	h->runs++;
	int answer = question(h, &r);

	if (r.verdict.outcome == OUTCOME_BROKEN)
		h->cut_runs++;
	if (answer && r.result.wall_ns > h->longest_ns)
		h->longest_ns = r.result.wall_ns;
	runner_release(&r);
	program_release(&p);
	/* What was cut short by an interrupt is no answer. */
	err = runner_interrupted() ? -EINTR : 0;
	return err ? err : answer;
}

struct behind {
	const struct hunt *hunt;
	bool shows;
};

static int note_last(void *ctx, uint32_t i, const struct feed_result *r, const struct verdict *v)
{
	struct behind *b = ctx;

	(void)r;
	for (unsigned j = 0; i == b->hunt->nhistory && j < v->nfindings; j++)
		b->shows |= hunt_is_same(v->finding[j].signature, b->hunt->signature);
	return 0;
}

static int run_behind_history(struct hunt *h, const char *text, size_t len)
{
	struct feed_text *all = calloc(h->nhistory + 1, sizeof(*all));
	struct behind behind = {.hunt = h};
	const struct one_child c = {
		.subject = h->subject, .options = &h->options, .told = note_last, .ctx = &behind};

	if (!all)
		return -ENOMEM;
	memcpy(all, h->history, h->nhistory * sizeof(*all));
	all[h->nhistory] = (struct feed_text){.text = text, .len = len};
	int err = one_child_run(&c, all, h->nhistory + 1);

	free(all);
	h->runs++;
	return err ? err : behind.shows;
}

int hunt_once(struct hunt *h, const char *text, size_t len)
{
	int err = over(h);

	if (err)
		return err;
	return h->nhistory ? run_behind_history(h, text, len)
			   : run_text(h, h->subject, text, len, shows);
}

/* Behind the deadline one run is made still: without any nothing is known. */
static int run_to_measure(struct hunt *h, const char *text, size_t len, unsigned runs)
{
	uint64_t deadline_ns = h->deadline_ns;

	if (runs == 0)
		h->deadline_ns = 0;
	int fired = hunt_once(h, text, len);

	h->deadline_ns = deadline_ns;
	return fired;
}

int hunt_measure(struct hunt *h, const char *text, size_t len, struct hunt_rate *rate)
{
	uint64_t begin_ns = hunt_now_ns();
	unsigned runs = rate->runs;

	*rate = (struct hunt_rate){0};
	while (rate->runs < runs) {
		int fired = run_to_measure(h, text, len, rate->runs);

		if (fired < 0)
			return fired == -ETIME ? 0 : fired;
		rate->fired += fired > 0;
		rate->runs++;
		if (rate->runs >= MEASURE_RUNS && hunt_now_ns() - begin_ns > MEASURE_NS)
			break;
	}
	return 0;
}

static bool is_clean(const struct hunt *h, const struct outcome_of_run *r)
{
	(void)h;
	return r->verdict.outcome == OUTCOME_CLEAN;
}

int hunt_is_clean(struct hunt *h, const struct subject *on, const char *text, size_t len)
{
	return run_text(h, on, text, len, is_clean);
}

static int shows_by_all_tries(struct hunt *h, const char *text, size_t len)
{
	int fired = 0;

	for (unsigned i = 0; i < h->tries && fired == 0; i++)
		fired = hunt_once(h, text, len);
	for (unsigned i = 1; i < h->in_a_row && fired == 1; i++)
		fired = hunt_once(h, text, len);
	return fired;
}

static int shows_as_often(struct hunt *h, const char *text, size_t len)
{
	struct hunt_rate seen = {0};
	enum hunt_judgement judgement;

	do {
		int fired = hunt_once(h, text, len);

		if (fired < 0)
			return fired;
		seen.fired += fired > 0;
		seen.runs++;
		judgement = hunt_rate_judge(h->wanted, seen);
	} while (judgement == HUNT_GO_ON);
	return judgement == HUNT_AS_OFTEN;
}

int hunt_fires(struct hunt *h, const char *text, size_t len)
{
	bool flaky = hunt_rate_is_flaky(h->wanted);
	int fired = flaky ? shows_as_often(h, text, len) : shows_by_all_tries(h, text, len);

	if (fired == 1 && h->reference)
		fired = hunt_is_clean(h, h->reference, text, len);
	return fired;
}

static const struct verdict_finding *gravest(const struct verdict *v)
{
	const struct verdict_finding *best = NULL;

	for (unsigned i = 0; i < v->nfindings; i++)
		if (!best || place_of(&v->finding[i]) < place_of(best))
			best = &v->finding[i];
	return best;
}

static const struct verdict_finding *by_signature(const struct verdict *v, const char *signature)
{
	for (unsigned i = 0; i < v->nfindings; i++)
		if (hunt_is_same(v->finding[i].signature, signature))
			return &v->finding[i];
	return NULL;
}

void hunt_set(struct hunt *h, const char *signature, uint8_t kind)
{
	snprintf(h->signature, sizeof(h->signature), "%s", signature);
	h->kind = kind;
	h->by_program = kind == FINDING_UNEXPECTED_RESULT || kind == FINDING_EXPECTATION;
}

void hunt_limit(struct hunt *h)
{
	uint64_t limit = h->longest_ns * LIMIT_TIMES + LIMIT_NS + h->options.hang_ns;

	h->options.limit_ns =
		hunt_is_growth(h) && limit < GROWTH_LIMIT_NS ? GROWTH_LIMIT_NS : limit;
}

static void take(struct hunt *h, const struct verdict_finding *f, const struct run_result *r)
{
	hunt_set(h, f->signature, f->finding->kind);
	h->by_program = f->finding->rule == RULE_OUTCOME || f->finding->rule == RULE_EXPECT;
	h->known = f->known != NULL;
	h->longest_ns = r->wall_ns;
	hunt_limit(h);
}

/* The signatures that there are, for somebody who asked for another. */
static void say_others(const struct verdict *v, const char *name, const char *signature)
{
	char words[1024] = "";
	size_t len = 0;

	for (unsigned i = 0; i < v->nfindings && len < sizeof(words); i++)
		len += (size_t)snprintf(words + len, sizeof(words) - len, "%s %s", i ? "," : "",
					v->finding[i].signature);
	cli_complain("%s has no finding of signature '%s'; it has%s", name, signature, words);
}

static int say_nothing_found(const struct hunt *h, const char *name)
{
	if (h->tries > 1)
		cli_complain("%s has no finding on %s in %u runs: there is nothing to shrink", name,
			     h->subject->ref.name, h->tries);
	else
		cli_complain(
			"%s has no finding on %s: there is nothing to shrink; if it shows only "
			"sometimes, add --tries 20",
			name, h->subject->ref.name);
	return EXIT_MISUSE;
}

/* The exit code of a run that is no answer, with its reason said; 0 for the others. */
static int complain_run(const struct verdict *v, const char *name)
{
	if (v->outcome != OUTCOME_BROKEN && v->outcome != OUTCOME_UNSUPPORTED)
		return 0;
	cli_complain("%s: %s: %s", name, outcome_name(v->outcome), v->reason);
	return v->outcome == OUTCOME_BROKEN ? EXIT_BROKEN : EXIT_UNSUPPORTED;
}

static int choose_in_run(struct hunt *h, const struct program *p, const char *signature,
			 bool is_last)
{
	struct outcome_of_run r;

	runner_run(h->subject, p, &h->options, &r);
	h->runs++;
	int code = complain_run(&r.verdict, p->name);
	const struct verdict_finding *f =
		signature ? by_signature(&r.verdict, signature) : gravest(&r.verdict);

	if (!code && f)
		take(h, f, &r.result);
	else if (!code && is_last && r.verdict.nfindings && signature)
		say_others(&r.verdict, p->name, signature);
	else if (!code && is_last)
		say_nothing_found(h, p->name);
	if (!code && !f && is_last)
		code = EXIT_MISUSE;
	runner_release(&r);
	return code;
}

int hunt_choose(struct hunt *h, const char *name, const char *text, size_t len,
		const char *signature)
{
	struct program p;
	int err = program_from_text(name, text, len, &p), code = 0;

	if (err) {
		cli_complain("%s: %s", name, strerror(-err));
		return EXIT_BROKEN;
	}
	for (unsigned i = 0; i < h->tries && !h->signature[0] && !code; i++)
		code = choose_in_run(h, &p, signature, i + 1 == h->tries);
	program_release(&p);
	return code;
}
