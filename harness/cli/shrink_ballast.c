/*
 * Refusals by ballast: the kernel's own, which need no harness.
 */
#include <errno.h>
#include <stdlib.h>

#include "harness/cli/shrink_priv.h"

/* A block that lies between two others. */
#define NEIGHBOURS 3

static bool has_only_faults_of_memory(const struct prog_header *h)
{
	for (uint32_t i = 0; i < h->nfaults; i++)
		if (h->faults[i].err != ENOMEM)
			return false;
	return h->nfaults > 0 && !h->has_ballast;
}

/*
 * What fills a slot fills three, and what is done to it is done to the one in the middle: giving
 * that back cuts a mapping in two, which takes a map more.
 */
static bool widen(struct program *p)
{
	for (size_t i = 0; i < p->nops; i++) {
		struct op *op = &p->ops[i];
		struct slice *s = &op->slice;
		bool fills = op_fills_slot(op->code);

		if (op->space != SPACE_BLOCK)
			continue;
		if (s->stop > PROG_MAX_SLOTS / NEIGHBOURS - 1)
			return false;
		s->start = s->start * NEIGHBOURS + !fills;
		s->stop = fills	      ? s->stop * NEIGHBOURS
			  : s->single ? s->start + 1
				      : (s->stop - 1) * NEIGHBOURS + 2;
		s->single = s->single && !fills;
		s->step = fills || s->single ? 1 : s->step * NEIGHBOURS;
	}
	return true;
}

int shrink_with_ballast(const char *text, size_t len, const struct shrink_ballast *how,
			char **ret_text, size_t *ret_len)
{
	struct program p = {.nops = 0};
	char *out = NULL;
	size_t size = 0;
	int err = shrink_read(text, len, &p);

	if (err)
		return err;
	if (!has_only_faults_of_memory(&p.header) || (how->between && !widen(&p)))
		err = -ENOTSUP;
	p.header.nfaults = 0;
	p.header.has_ballast = 1;
	p.header.ballast = how->maps;
	int written = err ? err : shrink_write_text(&p, &out, &size);

	free(p.ops);
	if (written < 0) {
		free(out);
		return written;
	}
	*ret_text = out;
	*ret_len = (size_t)written;
	return 0;
}
