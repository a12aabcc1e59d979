#include "harness/cli/shrink_work.h"

#include <errno.h>

/* Runs that measure how often it shows: at first, and when that was not each time. */
#define RUNS	   5
#define RUNS_FLAKY 20
/* Until it has shown once more, at the end. */
#define RUNS_MOST 100
/* What always shows must show so often in what is kept, unless each run takes long. */
#define IN_A_ROW 3
/* Times that all is begun again where the end does not show it as often. */
#define SITTINGS 2

static bool stops_softly(int err)
{
	return err == -EINTR || err == -ETIME;
}

int shrink_measure(struct shrink_work *w)
{
	struct hunt *h = w->hunt;
	/* A growth is confirmed by several long runs as it is. */
	unsigned least = hunt_is_growth(h) ? 1 : RUNS;
	struct hunt_rate rate = {.runs = least > w->shown ? least - w->shown : 0};
	int err = hunt_measure(h, w->text, w->len, &rate);
	bool always = rate.fired == rate.runs;

	if (!err && !always && !hunt_is_growth(h)) {
		rate.runs = RUNS_FLAKY - w->shown;
		err = hunt_measure(h, w->text, w->len, &rate);
	}
	if (err)
		return err;
	w->before =
		(struct hunt_rate){.fired = rate.fired + w->shown, .runs = rate.runs + w->shown};
	if (!always && !rate.fired && !w->tries)
		return -EAGAIN;
	shrink_try_as(w, w->before);
	return 0;
}

void shrink_try_as(struct shrink_work *w, struct hunt_rate rate)
{
	struct hunt *h = w->hunt;

	/* What hangs takes the watchdog's time, and hangs again. */
	bool is_slow = hunt_is_growth(h) || hunt_is_stuck(h);

	h->tries = w->tries ? w->tries : rate.fired == rate.runs ? 1 : hunt_tries(rate);
	h->in_a_row = h->tries > 1 || is_slow ? 1 : IN_A_ROW;
	if (!w->tries && !hunt_is_growth(h) && hunt_rate_is_flaky(rate))
		h->wanted = rate;
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

static int never(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	(void)text;
	(void)len;
	return 0;
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

/* The program as it is, where nothing smaller is surely one. */
static int shrink_nothing(struct shrink_work *w)
{
	struct shrink_request req = {.text = w->text, .len = w->len, .fires = never, .ctx = NULL};

	return shrink_program(&req, &w->result);
}

/* By so many answers that chance has a say in, one may be wrong: so the last is asked for again. */
static int shrink_surely(struct shrink_work *w)
{
	int err = shrink_once(w, &w->result);

	for (unsigned i = 0; !err && hunt_rate_is_flaky(w->hunt->wanted); i++) {
		struct shrink_result *r = &w->result;
		int fired = hunt_fires(w->hunt, r->text, r->len);

		if (fired != 0)
			return fired < 0 && !stops_softly(fired) ? fired : 0;
		shrink_result_release(r);
		err = i < SITTINGS ? shrink_once(w, r) : shrink_nothing(w);
		if (i == SITTINGS)
			break;
	}
	return err;
}

int shrink_minimize(struct shrink_work *w)
{
	bool done = false;
	int err = 0;

	if (hunt_is_growth(w->hunt))
		err = shrink_suspicion(w, &done);
	if (!err && !done)
		err = shrink_surely(w);
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

int shrink_measure_as(struct hunt *h, const char *text, size_t len, struct hunt_rate as,
		      struct hunt_rate *ret_rate)
{
	struct hunt_rate all = {0}, rate;
	bool more;

	do {
		/* Of a growth each run is the longest of several. */
		rate.runs = hunt_is_growth(h) ? 1 : as.runs;
		unsigned asked = rate.runs;
		int err = hunt_measure(h, text, len, &rate);

		if (err)
			return err;
		all.fired += rate.fired;
		all.runs += rate.runs;
		more = rate.runs == asked && all.runs < RUNS_MOST;
	} while (more && !all.fired && hunt_rate_is_flaky(as));
	*ret_rate = all;
	return 0;
}

/* A growth was confirmed by the longest of runs when it was kept. */
void shrink_measure_again(struct shrink_work *w)
{
	struct hunt *h = w->hunt, other = *h;
	const struct shrink_result *r = &w->result;

	if (hunt_is_growth(h)) {
		w->after = w->before;
		return;
	}
	/* The time was for shrinking. */
	h->deadline_ns = other.deadline_ns = 0;
	other.runs = 0;
	other.options.load = shrink_other_load(h->options.load);
	shrink_measure_as(h, r->text, r->len, w->before, &w->after);
	if (!shrink_has_other_load(h->subject))
		return;
	shrink_measure_as(&other, r->text, r->len, w->before, &w->other);
	h->runs += other.runs;
}
