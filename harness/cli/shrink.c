#include "harness/cli/shrink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/cli/shrink_priv.h"

#define TEXT_BYTES 65536
#define SEEN_SLOTS 1024

/* FNV-1a; never 0. */
static uint64_t hash(const char *text, size_t len)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
	return h ? h : 1;
}

static uint64_t *seen_place(const struct seen *seen, uint64_t h)
{
	size_t at = h & (seen->size - 1);

	while (seen->slot[at] && seen->slot[at] != h)
		at = (at + 1) & (seen->size - 1);
	return &seen->slot[at];
}

/* Without memory it is asked again, which is slow and not wrong. */
static void seen_grow(struct seen *seen)
{
	struct seen bigger = {.size = seen->size * 2};

	bigger.slot = calloc(bigger.size, sizeof(*bigger.slot));
	if (!bigger.slot)
		return;
	for (size_t i = 0; i < seen->size; i++)
		if (seen->slot[i])
			*seen_place(&bigger, seen->slot[i]) = seen->slot[i];
	bigger.n = seen->n;
	free(seen->slot);
	*seen = bigger;
}

static void seen_add(struct seen *seen, uint64_t h)
{
	if (seen->n * 2 >= seen->size)
		seen_grow(seen);
	if (seen->n + 1 >= seen->size)
		return;
	uint64_t *place = seen_place(seen, h);

	seen->n += *place == 0;
	*place = h;
}

int shrink_write_text(const struct program *p, char **buf, size_t *size)
{
	for (;;) {
		int len = *buf ? program_write(p, *buf, *size) : -ENOSPC;

		if (len != -ENOSPC)
			return len;
		size_t bigger = *buf ? *size * 2 : TEXT_BYTES;
		char *more = realloc(*buf, bigger);

		if (!more)
			return -ENOMEM;
		*buf = more;
		*size = bigger;
	}
}

struct program *shrink_trial(struct shrink *s)
{
	s->trial.header = s->best.header;
	s->trial.nops = s->best.nops;
	memcpy(s->trial.ops, s->best.ops, s->best.nops * sizeof(*s->best.ops));
	return &s->trial;
}

bool shrink_try(struct shrink *s)
{
	if (s->stop || !shrink_places_are_right(&s->trial))
		return false;
	int len = shrink_write_text(&s->trial, &s->text, &s->text_size);

	if (len < 0) {
		s->stop = len == -ENOMEM ? len : 0;
		return false;
	}
	uint64_t h = hash(s->text, (size_t)len);

	if (*seen_place(&s->seen, h))
		return false;
	/* Also of what fires: it is the best then, and a step that changes nothing is none. */
	seen_add(&s->seen, h);
	s->asked++;
	int fires = s->req->fires(s->req->ctx, s->text, (size_t)len);

	if (fires <= 0) {
		s->stop = fires;
		return false;
	}
	struct program old = s->best;

	s->best = s->trial;
	s->trial = old;
	s->kept++;
	return true;
}

static bool attempt(struct shrink *s, shrink_put_fn *put, const void *what, uint64_t now,
		    uint64_t value)
{
	put(shrink_trial(s), what, now, value);
	return shrink_try(s);
}

bool shrink_least(struct shrink *s, shrink_put_fn *put, const void *what, const uint64_t range[2])
{
	uint64_t silent = range[0], now = range[1];

	if (now <= silent)
		return false;
	if (attempt(s, put, what, now, silent))
		return true;
	while (now - silent > 1 && !s->stop) {
		uint64_t middle = silent + (now - silent) / 2;

		if (attempt(s, put, what, now, middle))
			now = middle;
		else
			silent = middle;
	}
	return now != range[1];
}

bool shrink_halves(struct shrink *s, shrink_put_fn *put, const void *what, const uint64_t range[2])
{
	uint64_t least = range[0], now = range[1];

	if (now <= least)
		return false;
	if (attempt(s, put, what, now, least))
		return true;
	while (now / 2 > least && attempt(s, put, what, now, now / 2))
		now /= 2;
	return now != range[1];
}

static uint64_t statements_of(const struct program *p)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->nops; i++)
		n += p->ops[i].code != OP_END;
	return n;
}

static int read_fd(int fd, struct program *ret_program)
{
	struct prog_reader *reader = malloc(sizeof(*reader));
	struct program p = {.max_ops = 1024};
	struct prog_error error;
	int err = -ENOSPC;

	while (reader && err == -ENOSPC) {
		p.max_ops *= 4;
		free(p.ops);
		p.ops = calloc(p.max_ops, sizeof(*p.ops));
		err = p.ops ? program_read(reader, fd, &p, &error) : -ENOMEM;
	}
	if (!reader)
		err = -ENOMEM;
	free(reader);
	if (err)
		free(p.ops);
	else
		*ret_program = p;
	return err;
}

int shrink_read(const char *text, size_t len, struct program *ret_program)
{
	int fd = memfd_create("program", MFD_CLOEXEC), err = fd < 0 ? -errno : 0;

	for (size_t done = 0; !err && done < len;) {
		ssize_t n = write(fd, text + done, len - done);

		if (n < 0 && errno != EINTR)
			err = -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	if (!err)
		err = read_fd(fd, ret_program);
	if (fd >= 0)
		close(fd);
	return err;
}

static int shrink_init(struct shrink *s, const struct shrink_request *req)
{
	*s = (struct shrink){.req = req, .seen.size = SEEN_SLOTS};
	int err = shrink_read(req->text, req->len, &s->best);

	if (err)
		return err;
	s->trial.max_ops = s->best.max_ops;
	s->trial.ops = calloc(s->best.max_ops, sizeof(*s->trial.ops));
	s->starts = calloc(s->best.max_ops + 1, sizeof(*s->starts));
	s->values = calloc(s->best.max_ops, 4 * sizeof(*s->values));
	s->seen.slot = calloc(s->seen.size, sizeof(*s->seen.slot));
	if (!s->trial.ops || !s->starts || !s->values || !s->seen.slot)
		return -ENOMEM;
	int len = shrink_write_text(&s->best, &s->text, &s->text_size);

	if (len < 0)
		return len;
	seen_add(&s->seen, hash(s->text, (size_t)len));
	return 0;
}

static void shrink_release(struct shrink *s)
{
	free(s->best.ops);
	free(s->trial.ops);
	free(s->starts);
	free(s->values);
	free(s->text);
	free(s->seen.slot);
}

/* Roughly, and once: what makes the runs quicker goes first. */
static void shrink_costs(struct shrink *s)
{
	shrink_drop_header(s);
	shrink_pass_drop_chunks(s);
	shrink_pass_costs(s);
}

static bool pass_over_all(struct shrink *s)
{
	bool kept = shrink_pass_drop(s);

	kept |= shrink_pass_unwrap(s);
	kept |= shrink_pass_roll(s);
	kept |= shrink_pass_join(s);
	kept |= shrink_pass_spread(s);
	kept |= shrink_pass_slots(s);
	kept |= shrink_pass_equal_numbers(s);
	kept |= shrink_pass_ops(s);
	kept |= shrink_pass_header(s);
	kept |= shrink_pass_threads(s);
	return kept;
}

int shrink_program(const struct shrink_request *req, struct shrink_result *ret_result)
{
	struct shrink s;
	int err = shrink_init(&s, req);
	struct shrink_result r = {.statements_before = err ? 0 : statements_of(&s.best)};

	if (!err)
		shrink_costs(&s);
	while (!err && !s.stop && pass_over_all(&s))
		;
	int len = err ? err : shrink_write_text(&s.best, &s.text, &s.text_size);

	if (len >= 0) {
		r.text = s.text;
		r.len = (size_t)len;
		r.statements = statements_of(&s.best);
		r.asked = s.asked;
		r.kept = s.kept;
		r.stopped = s.stop;
		s.text = NULL;
		*ret_result = r;
	}
	shrink_release(&s);
	return len < 0 ? len : 0;
}

void shrink_result_release(struct shrink_result *r)
{
	free(r->text);
	r->text = NULL;
}

int shrink_text(int fd, const struct prog_header *more, char **ret_text, size_t *ret_len)
{
	struct program p = {.nops = 0};
	char *text = NULL;
	size_t size = 0;
	int len = read_fd(fd, &p);

	if (len < 0)
		return len;
	struct prog_header *h = &p.header;

	if (more->has_ballast) {
		h->has_ballast = 1;
		h->ballast = more->ballast;
	}
	for (uint32_t i = 0; i < more->nfaults && len == 0; i++) {
		if (h->nfaults == PROG_MAX_FAULTS)
			len = -E2BIG;
		else
			h->faults[h->nfaults++] = more->faults[i];
	}
	if (len == 0)
		len = shrink_write_text(&p, &text, &size);
	free(p.ops);
	if (len < 0) {
		free(text);
		return len;
	}
	*ret_text = text;
	*ret_len = (size_t)len;
	return 0;
}
