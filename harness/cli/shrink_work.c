#include "harness/cli/shrink_work.h"

#include <errno.h>

/* Runs that measure how often it shows: at first, and when that was not each time. */
#define RUNS	   5
#define RUNS_FLAKY 20

static bool stops_softly(int err)
{
	return err == -EINTR || err == -ETIME;
}

int shrink_measure(struct shrink_work *w)
{
	struct hunt *h = w->hunt;
	/* A growth is confirmed by several long runs as it is. */
	unsigned least = hunt_is_growth(h) ? 1 : RUNS;
	struct hunt_rate more = {.runs = least > w->shown ? least - w->shown : 0};
	int err = hunt_measure(h, w->text, w->len, &more);
	bool always = more.fired == more.runs;

	if (!err && !always && !hunt_is_growth(h)) {
		more.runs = RUNS_FLAKY - w->shown;
		err = hunt_measure(h, w->text, w->len, &more);
	}
	if (err)
		return err;
	w->before =
		(struct hunt_rate){.fired = more.fired + w->shown, .runs = more.runs + w->shown};
	if (!always && !more.fired && !w->tries)
		return -EAGAIN;
	shrink_try_as(w, w->before);
	return 0;
}

void shrink_try_as(struct shrink_work *w, struct hunt_rate rate)
{
	struct hunt *h = w->hunt;

	h->tries = w->tries ? w->tries : rate.fired == rate.runs ? 1 : hunt_tries(rate);
	/* Each run of what grows or hangs takes long. */
	bool is_slow = hunt_is_growth(h) || h->kind == FINDING_HANG;

	h->in_a_row = h->tries > 1 || is_slow ? 1 : 2;
}

int shrink_choose_reference(struct shrink_work *w, const char *name, struct subject *reference,
			    int *ret_code)
{
	struct hunt *h = w->hunt;
	struct runner_options plain = h->options;

	plain.profile = NULL;
	int code = subject_open(name ? name : "guard", &plain, reference);

	if (code) {
		*ret_code = code;
		return -ENOENT;
	}
	int clean = hunt_is_clean(h, reference, w->text, w->len);

	if (clean == 1)
		h->reference = reference;
	return clean;
}

static int fires(void *ctx, const char *text, size_t len)
{
	struct shrink_work *w = ctx;
	int fired = hunt_fires(w->hunt, text, len);

	if (fired < 0 || !w->told)
		return fired;
	int err = w->told(w->ctx, text, len, fired == 1);

	return err ? err : fired;
}

static int shrink_once(struct shrink_work *w, struct shrink_result *ret_result)
{
	const struct shrink_request req = {
		.text = w->text, .len = w->len, .fires = fires, .ctx = w};

	return shrink_program(&req, ret_result);
}

/*
 * A smaller program that only seems to grow costs one run, to confirm it three and long ones: so
 * first the suspicion is shrunk, as that mostly gives what can be confirmed. A step that not even
 * raises it could not be confirmed either, so the result is as minimal.
 */
static int shrink_suspicion(struct shrink_work *w, bool *ret_confirmed)
{
	struct hunt *h = w->hunt;
	struct shrink_result r;
	int confirmed = 0;

	h->suspect = true;
	h->options.confirm_growth = false;
	int err = shrink_once(w, &r);

	h->suspect = false;
	h->options.confirm_growth = true;
	if (err)
		return err;
	if (!r.stopped)
		confirmed = hunt_fires(h, r.text, r.len);
	*ret_confirmed = confirmed == 1;
	if (*ret_confirmed)
		w->result = r;
	else
		shrink_result_release(&r);
	return 0;
}

int shrink_minimize(struct shrink_work *w)
{
	bool done = false;
	int err = 0;

	if (hunt_is_growth(w->hunt))
		err = shrink_suspicion(w, &done);
	if (!err && !done)
		err = shrink_once(w, &w->result);
	if (!err && w->result.stopped && !stops_softly(w->result.stopped))
		err = w->result.stopped;
	return err;
}

enum load_mode shrink_other_load(enum load_mode load)
{
	return load == LOAD_PRELOAD ? LOAD_DLOPEN : LOAD_PRELOAD;
}

bool shrink_has_other_load(const struct subject *s)
{
	return !s->ref.plugin || !s->ref.plugin->inside;
}

/* A growth was confirmed by the longest of runs when it was kept. */
void shrink_measure_again(struct shrink_work *w)
{
	struct hunt *h = w->hunt, other = *h;
	struct hunt_rate rate = w->before, in_other = rate;

	if (hunt_is_growth(h)) {
		w->after = rate;
		return;
	}
	h->deadline_ns = other.deadline_ns = 0;
	other.runs = 0;
	if (hunt_measure(h, w->result.text, w->result.len, &rate) == 0)
		w->after = rate;
	if (!shrink_has_other_load(h->subject))
		return;
	other.options.load = shrink_other_load(h->options.load);
	if (hunt_measure(&other, w->result.text, w->result.len, &in_other) == 0)
		w->other = in_other;
	h->runs += other.runs;
}
