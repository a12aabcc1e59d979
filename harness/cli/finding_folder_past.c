/*
 * The programs that a finding needs before it, and as few of them as show it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/finding_folder_file.h"
#include "harness/cli/finding_folder_priv.h"
#include "harness/cli/shrink.h"
#include "harness/cli/shrink_work.h"
#include "harness/exec/shared.h"

#define TRIES 3

/* The list as it may become: programs that are out have no text. */
struct past {
	struct folder *f;
	struct hunt *hunt;
	bool *out;
	struct feed_text *list; /* what the hunt is given */
	uint32_t changing;	/* whose text is tried */
};

static void give_list(struct past *p)
{
	struct hunt *h = p->hunt;

	h->history = p->list;
	h->nhistory = 0;
	for (uint32_t i = 0; i < p->f->found.nhistory; i++)
		if (!p->out[i])
			p->list[h->nhistory++] = (struct feed_text){
				.text = p->f->found.history[i].text,
				.len = p->f->found.history[i].len,
			};
}

/* found.json first: a file more does no harm, one less does. */
static int keep_rest(struct past *p)
{
	struct folder *f = p->f;
	uint32_t n = 0, all = f->found.nhistory;
	char **gone = calloc(all + 1, sizeof(*gone));

	if (!gone)
		return -ENOMEM;
	for (uint32_t i = 0; i < all; i++) {
		if (p->out[i]) {
			gone[i - n] = f->history_names[i];
			free(f->found.history[i].text);
			continue;
		}
		f->history_names[n] = f->history_names[i];
		f->found.history[n++] = f->found.history[i];
	}
	f->found.nhistory = n;
	memset(p->out, 0, all * sizeof(*p->out));
	int err = folder_put_json(f);

	for (uint32_t i = 0; i < all - n; i++) {
		if (!err)
			err = file_remove(f->dir, gone[i]);
		free(gone[i]);
	}
	free(gone);
	give_list(p);
	return err;
}

static int fires_now(struct past *p)
{
	give_list(p);
	return hunt_fires(p->hunt, p->f->found.program.text, p->f->found.program.len);
}

/* Whether it shows without these either: 1, 0, -errno. */
static int drop_chunk(struct past *p, uint32_t from, uint32_t to)
{
	uint32_t n = p->f->found.nhistory, changed = 0;
	bool *was = calloc(n, sizeof(*was));

	if (!was)
		return -ENOMEM;
	memcpy(was, p->out, n * sizeof(*was));
	for (uint32_t i = from; i < to; i++) {
		changed += !p->out[i];
		p->out[i] = true;
	}
	int fired = changed ? fires_now(p) : 0;

	if (fired != 1)
		memcpy(p->out, was, n * sizeof(*was));
	free(was);
	return fired;
}

/* Chunks first, one by one until none can go. */
static int drop_chunks(struct past *p)
{
	uint32_t n = p->f->found.nhistory, size = n, kept = 0;

	while (size) {
		for (uint32_t from = 0; from < n; from += size) {
			int fired = drop_chunk(p, from, n - from < size ? n : from + size);

			if (fired < 0)
				return fired;
			kept += fired > 0;
		}
		if (size == 1 && kept) {
			kept = 0;
			continue;
		}
		size /= 2;
		kept = 0;
	}
	return 0;
}

static int fires_with(void *ctx, const char *text, size_t len)
{
	struct past *p = ctx;
	struct found_text *now = &p->f->found.history[p->changing], was = *now;

	*now = (struct found_text){.text = (char *)text, .len = len};
	int fired = fires_now(p);

	*now = was;
	return fired;
}

static int shrink_each(struct past *p)
{
	struct folder *f = p->f;
	int err = 0;

	for (p->changing = 0; p->changing < f->found.nhistory && !err; p->changing++) {
		struct found_text *t = &f->found.history[p->changing];
		const struct shrink_request req = {
			.text = t->text, .len = t->len, .fires = fires_with, .ctx = p};
		struct shrink_result r;

		err = shrink_program(&req, &r);
		if (err)
			break;
		free(t->text);
		*t = (struct found_text){.text = r.text, .len = r.len};
		err = file_put(f->dir, f->history_names[p->changing], t->text, t->len);
		if (!err)
			err = r.stopped;
	}
	give_list(p);
	return err;
}

/* Whether a fresh child shows this text: 1, 0, -errno. */
static int shows_alone(struct hunt *h, const char *text, size_t len)
{
	struct hunt alone = *h;
	int fired = 0;

	alone.nhistory = 0;
	alone.runs = 0;
	for (unsigned i = 0; i < TRIES && fired == 0; i++)
		fired = hunt_once(&alone, text, len);
	h->runs += alone.runs;
	/* A text that no run takes is no answer. */
	return fired < 0 && fired != -EINTR && fired != -ETIME ? 0 : fired;
}

static int shows_joined(struct past *p, struct found_text *ret_text)
{
	struct found *found = &p->f->found;
	uint32_t n = found->nhistory;
	struct shrink_part *parts = calloc(n + 1, sizeof(*parts));
	int err = parts ? 0 : -ENOMEM;

	for (uint32_t i = 0; i <= n && !err; i++) {
		const struct found_text *t = i < n ? &found->history[i] : &found->program;

		parts[i] = (struct shrink_part){.text = t->text, .len = t->len};
	}
	if (!err)
		err = shrink_join(parts, n + 1, RUN_FEED_TEXT_BYTES, &ret_text->text,
				  &ret_text->len);
	free(parts);
	if (err)
		return err == -ENOMEM ? err : 0;
	int fired = shows_alone(p->hunt, ret_text->text, ret_text->len);

	if (fired != 1)
		free(ret_text->text);
	return fired;
}

static int forget(struct past *p)
{
	memset(p->out, 1, p->f->found.nhistory * sizeof(*p->out));
	int err = keep_rest(p);

	if (!err)
		unlinkat(p->f->dir, "history", AT_REMOVEDIR);
	return err;
}

static int without_history(struct past *p, struct found_text *ret_text)
{
	struct found *found = &p->f->found;
	struct found_text joined;
	int fired = shows_alone(p->hunt, found->program.text, found->program.len);

	if (fired < 0)
		return fired;
	if (fired == 1)
		return 1;
	fired = shows_joined(p, &joined);
	if (fired == 1) {
		/* With the history it shows too: whatever is killed here, what is there does. */
		int err = file_put(p->f->dir, "program.prog", joined.text, joined.len);

		if (err) {
			free(joined.text);
			return err;
		}
		*ret_text = joined;
		p->f->joined = found->nhistory + 1;
	}
	return fired;
}

static int with_history(struct past *p)
{
	struct shrink_work measured = {
		.hunt = p->hunt,
		.text = p->f->found.program.text,
		.len = p->f->found.program.len,
	};

	give_list(p);
	int err = shrink_measure(&measured);

	p->f->rate_found = measured.before;
	if (err)
		return err;
	err = drop_chunks(p);
	int kept = keep_rest(p);

	if (!kept && !err)
		kept = shrink_each(p);
	return kept ? kept : err;
}

int folder_shrink_history(struct folder *f, struct hunt *h, struct found_text *ret_text)
{
	uint32_t n = f->found.nhistory;
	struct past p = {
		.f = f,
		.hunt = h,
		.out = calloc(n, sizeof(*p.out)),
		.list = calloc(n, sizeof(*p.list)),
	};
	int fired = p.out && p.list ? without_history(&p, ret_text) : -ENOMEM, err;

	if (fired == 1)
		err = forget(&p);
	else
		err = fired < 0 ? fired : with_history(&p);
	free(p.out);
	/* The list stays the hunt's. */
	if (h->history != p.list || !h->nhistory) {
		free(p.list);
		h->history = NULL;
		h->nhistory = 0;
	}
	return err;
}
