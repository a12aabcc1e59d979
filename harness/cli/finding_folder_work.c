/*
 * What there is to do for a finding: confirm it, make it small, write down all that is known.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/finding_folder_file.h"
#include "harness/cli/finding_folder_priv.h"
#include "harness/cli/run_json.h"
#include "harness/cli/shrink_work.h"
#include "harness/cli/tape_out.h"

/* The program is written at most so often while it becomes smaller. */
#define WRITE_NS 1000000000u
/* Runs of what shows sometimes, for the one that is written down. */
#define RECORD_TRIES 100
#define RECORD_NS    10000000000u
#define MEASURE_NS   5000000000u
/* Maps of headroom that are tried for a fault line. */
#define MOST_HEADROOM 8

struct work {
	const struct folder_work *w;
	struct folder f;
	struct hunt hunt;
	struct shrink_work shrink;
	struct subject reference;
	struct found_text text; /* program.prog */
	uint64_t written_ns;
	bool late;   /* of the history more may go */
	int put_err; /* of a write in the middle of shrinking */
};

static void step(const struct work *k, const char *what)
{
	if (k->w->on_step)
		k->w->on_step(k->w->ctx, what);
}

static void note_build(struct folder *f, const struct allocator_ref *ref)
{
	size_t len = (size_t)snprintf(f->build, sizeof(f->build), "%s", ref->name);
	const struct {
		const char *what, *value;
	} facts[] = {
		{" ", ref->version},
		{", build id ", ref->build_id},
		{", sha256 ", ref->sha256},
	};

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		if (facts[i].value[0] && len < sizeof(f->build))
			len += (size_t)snprintf(f->build + len, sizeof(f->build) - len, "%s%s",
						facts[i].what, facts[i].value);
	bool is_libc = ref->plugin && strcmp(ref->plugin->name, "glibc") == 0;

	if (!is_libc && !(ref->plugin && ref->plugin->inside))
		snprintf(f->library, sizeof(f->library), "%s", ref->path);
}

static void begin(struct work *k)
{
	struct hunt *h = &k->hunt;
	const struct found *found = &k->f.found;

	h->subject = k->w->subject;
	h->options = k->w->options;
	h->options.load = found->load;
	if (!h->options.hang_ns)
		h->options.hang_ns = found->hang_ns;
	hunt_set(h, found->signature, found->kind);
	h->known = found->known;
	h->options.oracles = true;
	h->options.sampling = true;
	h->options.watch = true;
	h->options.confirm_growth = hunt_is_growth(h);
	h->tries = h->in_a_row = 1;
	k->shrink = (struct shrink_work){.hunt = h, .ctx = k};
	note_build(&k->f, &k->w->subject->ref);
}

/* What is there, in a state that somebody may find it in. */
static int put_state(struct work *k, enum folder_state state)
{
	k->f.state = state;
	int err = folder_put_readme(&k->f, &k->text);

	return err ? err : folder_put_json(&k->f);
}

static void take_text(struct work *k, struct found_text text)
{
	free(k->text.text);
	k->text = text;
	k->shrink.text = text.text;
	k->shrink.len = text.len;
}

static int copy_text(const struct found_text *from, struct found_text *ret)
{
	char *text = malloc(from->len + 1);

	if (!text)
		return -ENOMEM;
	memcpy(text, from->text, from->len);
	text[from->len] = '\0';
	*ret = (struct found_text){.text = text, .len = from->len};
	return 0;
}

static int get_text(struct work *k)
{
	struct found_text text;
	int err = file_get(k->f.dir, "program.prog", &text);

	if (err)
		return err == -ENOMEM ? err : -EINVAL;
	take_text(k, text);
	return 0;
}

/*
 * As few programs before it as it needs. What an earlier one had come to is what is gone on with:
 * found.prog as it became, or all of them as one.
 */
static int confirm_history(struct work *k)
{
	struct found *found = &k->f.found;
	struct found_text joined = {0}, now;
	uint32_t all = found->nhistory + 1;
	bool is_other = found->program.len != k->text.len ||
			memcmp(found->program.text, k->text.text, k->text.len) != 0;
	int err = copy_text(&k->text, &now);

	if (err)
		return err;
	free(found->program.text);
	found->program = now;
	step(k, "asking which programs before it are needed");
	k->hunt.deadline_ns = k->w->deadline_ns;
	err = folder_shrink_history(&k->f, &k->hunt, &joined);
	k->hunt.deadline_ns = 0;
	if (joined.text)
		take_text(k, joined);
	if (!found->nhistory && is_other && !k->f.joined)
		k->f.joined = all;
	k->late = err == -ETIME;
	return k->late ? 0 : err;
}

static int confirm(struct work *k)
{
	struct folder *f = &k->f;
	int err = get_text(k);

	if (err)
		return err;
	if (f->found.nhistory)
		err = confirm_history(k);
	step(k, "confirming");
	k->hunt.deadline_ns = k->w->deadline_ns;
	if (!err)
		err = shrink_measure(&k->shrink);
	k->hunt.deadline_ns = 0;
	f->not_shown = err == -EAGAIN;
	if (err && err != -EAGAIN)
		return err;
	f->rate_found = k->shrink.before;
	hunt_limit(&k->hunt);
	return f->not_shown ? 0 : put_state(k, FOLDER_CONFIRMED);
}

/* The hunt is given the history that there is left. */
static int give_history(struct work *k)
{
	struct found *found = &k->f.found;
	struct feed_text *list = calloc(found->nhistory + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (uint32_t i = 0; i < found->nhistory; i++)
		list[i] = (struct feed_text){.text = found->history[i].text,
					     .len = found->history[i].len};
	k->hunt.history = list;
	k->hunt.nhistory = found->nhistory;
	return 0;
}

/* Goes on with what an earlier one had come to. */
static int resume(struct work *k)
{
	int err = get_text(k);

	if (!err)
		err = give_history(k);
	if (err)
		return err;
	shrink_try_as(&k->shrink, k->f.rate_found);
	int fired = hunt_fires(&k->hunt, k->text.text, k->text.len);

	hunt_limit(&k->hunt);
	return fired < 0 ? fired : 0;
}

static int told(void *ctx, const char *text, size_t len, bool fired)
{
	struct work *k = ctx;
	uint64_t now = hunt_now_ns();
	char what[64];

	snprintf(what, sizeof(what), "shrinking, %zu bytes", len);
	if (!fired)
		return 0;
	step(k, what);
	if (k->hunt.suspect || now - k->written_ns < WRITE_NS)
		return 0;
	k->written_ns = now;
	k->put_err = file_put(k->f.dir, "program.prog", text, len);
	return k->put_err;
}

static int choose_reference(struct work *k)
{
	int code;

	if (!k->hunt.by_program || subject_is_kernel(k->w->subject))
		return 0;
	int clean = shrink_choose_reference(&k->shrink, NULL, &k->reference, &code);

	return clean < 0 && clean != -ENOENT ? clean : 0;
}

/* Shrinks k->text, which becomes what is left. */
static int shrink_text_of(struct work *k)
{
	struct folder *f = &k->f;
	struct shrink_result *r = &k->shrink.result;
	struct found_text best;

	k->shrink.told = told;
	k->written_ns = hunt_now_ns();
	k->hunt.deadline_ns = k->w->deadline_ns;
	shrink_result_release(r);
	int err = shrink_minimize(&k->shrink);

	k->hunt.deadline_ns = 0;
	if (err)
		return k->put_err ? k->put_err : err;
	/* Of several sittings the first saw all statements. */
	if (!f->statements_before)
		f->statements_before = r->statements_before;
	f->statements = r->statements;
	f->stopped = r->stopped;
	err = copy_text(&(struct found_text){.text = r->text, .len = r->len}, &best);
	if (err)
		return err;
	take_text(k, best);
	err = file_put(f->dir, "program.prog", best.text, best.len);
	if (!err && r->stopped == -EINTR)
		err = -EINTR;
	return err;
}

/* The first headroom with which it shows, or 0; 1 with *ret_text, or -errno. */
static int look_for_ballast(struct work *k, struct found_text *ret_text)
{
	int fired = 0;

	for (unsigned i = 0; i <= 2 * MOST_HEADROOM && fired == 0; i++) {
		const struct shrink_ballast how = {.maps = i / 2, .between = i % 2};
		int err = shrink_with_ballast(k->text.text, k->text.len, &how, &ret_text->text,
					      &ret_text->len);

		if (err)
			return err == -ENOTSUP ? 0 : err;
		fired = hunt_fires(&k->hunt, ret_text->text, ret_text->len);
		if (fired != 1)
			free(ret_text->text);
	}
	return fired;
}

/*
 * Where the kernel refuses as well what a fault line refuses, ballast goes into the program
 * instead: then repro.c shows it too.
 */
static int prefer_ballast(struct work *k)
{
	struct found_text text;

	if (k->hunt.nhistory || hunt_is_growth(&k->hunt) || k->f.stopped)
		return 0;
	step(k, "asking whether ballast shows it too");
	k->hunt.deadline_ns = k->w->deadline_ns;
	int fired = look_for_ballast(k, &text);

	k->hunt.deadline_ns = 0;
	if (fired == -ETIME)
		k->f.stopped = fired; /* asked again when there is more time */
	if (fired != 1)
		return fired == -ETIME ? 0 : fired;
	take_text(k, text);
	return shrink_text_of(k);
}

static int make_small(struct work *k)
{
	int err = choose_reference(k);

	if (!err)
		err = shrink_text_of(k);
	return err ? err : prefer_ballast(k);
}

/* How often it shows in the mode that found it, and in the other. */
static int measure(struct work *k)
{
	struct folder *f = &k->f;
	const struct found_text *t = &k->text;

	step(k, "measuring how often it shows");
	/* A deadline that is over leaves a little. */
	uint64_t least_ns = hunt_now_ns() + MEASURE_NS;

	if (k->w->deadline_ns)
		k->hunt.deadline_ns = k->w->deadline_ns > least_ns ? k->w->deadline_ns : least_ns;
	int err = shrink_measure_as(&k->hunt, t->text, t->len, f->rate_found, &f->rate);
	struct hunt other = k->hunt;

	k->hunt.deadline_ns = 0;
	if (err)
		return err;
	if (!shrink_has_other_load(k->w->subject))
		return 0;
	other.options.load = shrink_other_load(f->found.load);
	other.runs = 0;
	err = shrink_measure_as(&other, t->text, t->len, f->rate_found, &f->rate_other);
	k->hunt.runs += other.runs;
	return err;
}

/* One run with its tape as text; whether it shows. */
static int record_once(struct work *k, char **ret_tape, size_t *ret_len, json_t **ret_json)
{
	struct runner_options o = k->hunt.options;
	struct outcome_of_run r;
	struct tape_out tape;
	struct program p;
	int err = program_from_text("program", k->text.text, k->text.len, &p);

	if (err)
		return err;
	FILE *out = open_memstream(ret_tape, ret_len);

	err = out ? tape_out_open(&tape, NULL, out) : -ENOMEM;
	if (!err)
		err = tape_out_begin(&tape, k->w->subject->ref.name, p.name);
	o.on_tape = tape_out_entries;
	o.tape_ctx = &tape;
	if (!err) {
		runner_run(k->w->subject, &p, &o, &r);
		err = tape_out_end(
			&tape, r.result.shared ? atomic_load(&r.result.shared->tape.dropped) : 0);
		*ret_json = run_json(&r.in, &r.verdict);
		k->f.alone = false;
		for (unsigned i = 0; i < r.verdict.nfindings && !k->f.alone; i++) {
			const struct verdict_finding *v = &r.verdict.finding[i];

			if (!hunt_is_same(v->signature, k->f.found.signature))
				continue;
			k->f.alone = true;
			k->f.rule = v->finding->rule;
			snprintf(k->f.found.message, sizeof(k->f.found.message), "%s", v->message);
		}
		runner_release(&r);
		tape_out_close(&tape);
	}
	if (out && fclose(out) != 0 && !err)
		err = -ENOMEM;
	program_release(&p);
	if (!err && !*ret_json)
		err = -ENOMEM;
	return err;
}

static int put_record(struct work *k, const char *tape, size_t len, const json_t *json)
{
	char *text = json_dumps(json, JSON_INDENT(1));

	if (!text)
		return -ENOMEM;
	int err = file_put(k->f.dir, "verdict.json", text, strlen(text));

	free(text);
	return err ? err : file_put(k->f.dir, "tape.txt", tape, len);
}

/* The run that shows it, or else the last that does not. */
static int record(struct work *k)
{
	bool sometimes = k->f.rate.fired && !k->hunt.nhistory;
	unsigned tries = sometimes ? RECORD_TRIES : 1;
	uint64_t begin_ns = hunt_now_ns();
	int err = 0;

	step(k, "writing down a run");
	k->f.alone = false;
	for (unsigned i = 0; i < tries && !err && !k->f.alone; i++) {
		if (i && hunt_now_ns() - begin_ns > RECORD_NS)
			tries = i + 1;
		char *tape = NULL;
		json_t *json = NULL;
		size_t len = 0;

		err = record_once(k, &tape, &len, &json);
		if (!err && runner_interrupted())
			err = -EINTR;
		if (!err && (k->f.alone || i + 1 == tries))
			err = put_record(k, tape, len, json);
		free(tape);
		json_decref(json);
	}
	return err;
}

static int finish(struct work *k)
{
	struct folder *f = &k->f;
	int err = f->not_shown ? 0 : measure(k);

	f->runs += k->hunt.runs;
	if (!err)
		err = record(k);
	step(k, "compiling repro.c");
	if (!err)
		err = folder_prove(f, k->w->subject, &k->text);
	bool whole = !f->not_shown && !f->stopped && !k->late;

	return err ? err : put_state(k, whole ? FOLDER_SHRUNK : FOLDER_LEFT);
}

static int work_on(struct work *k)
{
	struct folder *f = &k->f;
	bool more_history = f->state == FOLDER_LEFT && f->found.nhistory;
	bool anew = f->state == FOLDER_FOUND || f->not_shown || more_history;

	if (f->state == FOLDER_SHRUNK)
		return 0;
	begin(k);
	int err = anew ? confirm(k) : resume(k);

	if (!err && !f->not_shown)
		err = make_small(k);
	if (!err)
		err = finish(k);
	return runner_interrupted() ? -EINTR : err;
}

int folder_work(const struct folder_work *w)
{
	struct work *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->w = w;
	int err = folder_open(w->path, true, &k->f);

	if (!err)
		err = work_on(k);
	subject_release(&k->reference);
	shrink_result_release(&k->shrink.result);
	free((void *)k->hunt.history);
	free(k->text.text);
	folder_release(&k->f);
	free(k);
	return err;
}
