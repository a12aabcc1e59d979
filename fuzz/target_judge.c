/*
 * target_judge.c - from what a fed child has shown to what people are told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/target_priv.h"
#include "fuzz/tell.h"
#include "harness/cli/cli.h"
#include "harness/cli/hunt.h"

/* Time for the same to show with less before it. */
#define PENDING_NS 10000000000u

struct proving {
	struct target *t;
	const struct side *side;
	const char *note;
	bool late;    /* there was time for a better proof */
	bool put_off; /* there was one, which waits for a better one */
};

bool target_is_new(const struct target *t, const struct verdict_finding *f)
{
	return !f->known || t->flags.strict;
}

static struct found_text found_text(const struct input_text *text)
{
	return (struct found_text){(char *)text->text, text->len};
}

static void fill_found(const struct proving *by, const struct proof *p, struct found *ret)
{
	const struct verdict_finding *f = p->finding;
	const struct target *t = by->t;

	*ret = (struct found){
		.kind = f->finding->kind,
		.known = f->known != NULL,
		.load = t->flags.load,
		.hang_ns = t->flags.hang_ns,
		.input = t->inputs,
		.seconds = (double)(hunt_now_ns() - t->begin_ns) / 1e9,
		.program = found_text(p->program),
		.nhistory = p->nhistory,
	};
	snprintf(ret->signature, sizeof(ret->signature), "%s", f->signature);
	size_t noted = strnlen(by->note, sizeof(ret->message) / 2);

	memcpy(ret->message, by->note, noted);
	snprintf(ret->message + noted, sizeof(ret->message) - noted, "%.*s",
		 (int)(sizeof(ret->message) - noted - 1), f->message);
	snprintf(ret->allocator, sizeof(ret->allocator), "%s", by->side->feeding.name);
}

/* Programs that were joined are no input of the engine's. */
static void keep_proof(const struct target *t, const struct found *found)
{
	static uint8_t buf[1 << 20];
	struct tell_input input = {.prefix = t->flags.artifacts, .bytes = buf};
	const struct input_text program = {.text = found->program.text, .len = found->program.len};

	if (found->nhistory || program.text == t->text.text)
		return;
	int err = input_encode(t->input, &program, buf, sizeof(buf), &input.len);

	if (!err)
		err = tell_input(found, &input);
	if (err)
		cli_complain("cannot keep its input: %s", strerror(-err));
}

/* Told once. Without an inbox that ends the target, and the engine keeps its input. */
static void report(struct target *t, const struct found *found)
{
	if (!t->flags.inbox) {
		tell_words(found);
		keep_proof(t, found);
		abort();
	}
	int err = tell_folder(t->flags.inbox, found);

	if (err) {
		cli_complain("%s: cannot keep the finding %s: %s", t->flags.inbox, found->signature,
			     strerror(-err));
		tell_words(found);
		return;
	}
	sightings_settle(&t->sightings, found->signature);
	stats_add(&t->stats->reported, 1);
}

static void on_proof(void *ctx, const struct proof *p)
{
	struct proving *by = ctx;
	struct found_text history[FEEDING_HISTORY];
	struct found found;

	if (!target_is_new(by->t, p->finding) ||
	    sightings_settled(&by->t->sightings, p->finding->signature))
		return;
	/* The one input that an engine keeps shows nothing by itself. */
	by->put_off = !by->t->flags.inbox && p->nhistory && !by->late;
	if (by->put_off)
		return;
	fill_found(by, p, &found);
	for (unsigned i = 0; i < p->nhistory; i++)
		history[i] = found_text(&p->history[i]);
	found.history = history;
	report(by->t, &found);
}

/* Behind `past`, or NULL: alone, or behind what its child has just had. */
static bool prove(struct proving *by, const struct input_text *program, const char *signature,
		  const struct past *past)
{
	const struct proof_search search = {
		.feeding = &by->side->feeding,
		.input = by->t->input,
		.program = program,
		.signature = signature,
		.on_proof = on_proof,
		.ctx = by,
	};
	uint64_t begin_ns = hunt_now_ns();
	bool proven = past ? proof_find_behind(&search, past) : proof_find(&search);

	stats_add(&by->t->stats->ns_confirming, hunt_now_ns() - begin_ns);
	return proven;
}

bool target_prove(struct target *t, const struct side *s, const struct input_text *program,
		  const char *signature, const char *note)
{
	struct proving by = {.t = t, .side = s, .note = note};

	return prove(&by, program, signature, NULL) && !by.put_off;
}

static void keep_past(struct target *t, struct side *s, const char *signature)
{
	struct past *past = t->npending < PENDING ? past_copy(&s->feeding) : NULL;

	if (!past) {
		stats_add(&t->stats->unconfirmed, 1);
		return;
	}
	struct pending *p = &t->pending[t->npending++];

	*p = (struct pending){.past = past, .side = s, .due_ns = hunt_now_ns() + PENDING_NS};
	memccpy(p->signature, signature, '\0', sizeof(p->signature) - 1);
}

static void settle_pending(struct target *t, const struct pending *p)
{
	struct proving by = {.t = t, .side = p->side, .note = "", .late = true};

	if (!sightings_settled(&t->sightings, p->signature) &&
	    !prove(&by, NULL, p->signature, p->past))
		stats_add(&t->stats->unconfirmed, 1);
	past_free(p->past);
}

static void settle_first(struct target *t)
{
	struct pending first = t->pending[0];

	memmove(&t->pending[0], &t->pending[1], --t->npending * sizeof(first));
	settle_pending(t, &first);
}

static void settle_due(struct target *t)
{
	while (t->npending && hunt_now_ns() >= t->pending[0].due_ns)
		settle_first(t);
}

/* Without an inbox telling would end the target a second time, by abort(). */
void target_settle(struct target *t)
{
	while (t->flags.inbox && t->npending)
		settle_first(t);
}

static bool confirm(struct target *t, struct side *s, const struct verdict_finding *f)
{
	bool first = sightings_is_first(&t->sightings, f->signature);
	bool proven = target_prove(t, s, &t->text, f->signature, "");

	if (!proven && first)
		keep_past(t, s, f->signature);
	return proven;
}

static bool has_new(const struct target *t)
{
	for (unsigned side = 0; side < t->nsides; side++)
		for (unsigned i = 0; i < t->side[side].nfindings; i++)
			if (target_is_new(t, &t->side[side].finding[i]))
				return true;
	return false;
}

static void judge_side(struct target *t, struct side *s)
{
	bool renew = false;

	for (unsigned i = 0; i < s->nfindings; i++) {
		const struct verdict_finding *f = &s->finding[i];

		if (target_is_new(t, f) && sightings_meet(&t->sightings, f->signature))
			renew |= !confirm(t, s, f);
	}
	/*
	 * The state that nobody can show again would show up once more. What leaves a heap in any
	 * state ends its child by itself (feed.h). Without memory for another, this one has to do.
	 */
	if (renew)
		feeding_renew(&s->feeding);
}

void target_judge(struct target *t)
{
	bool any = t->side[0].nfindings || (t->nsides > 1 && t->side[1].nfindings);
	bool any_new = any && has_new(t);

	if (any)
		stats_add(any_new ? &t->stats->findings : &t->stats->known, 1);
	if (any_new && t->flags.skip)
		sightings_skip(&t->sightings, t->flags.skip);
	for (unsigned side = 0; any && side < t->nsides; side++)
		judge_side(t, &t->side[side]);
	settle_due(t);
}
