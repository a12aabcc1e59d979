#include "bench/launch/launch_curve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 1024
#define ROOM_MOST  (1u << 18) /* 16 MiB; twenty minutes of a sample every 5 ms */
#define OF_STRETCH 4	      /* that are kept */

static int curve_grow(struct curve *c)
{
	size_t room = c->room ? 2 * c->room : ROOM_FIRST;
	struct curve_sample *v = realloc(c->v, room * sizeof(*v));

	if (!v)
		return -ENOMEM;
	c->v = v;
	c->room = room;
	return 0;
}

int curve_add(struct curve *c, const struct curve_sample *s)
{
	if (c->n == ROOM_MOST)
		curve_thin(c, ROOM_MOST / 2);
	if (c->n == c->room) {
		int err = curve_grow(c);

		if (err)
			return err;
	}
	c->v[c->n++] = *s;
	return 0;
}

void curve_release(struct curve *c)
{
	free(c->v);
	*c = (struct curve){0};
}

/* Which of the samples from..to of one stretch stay. */
struct stretch {
	size_t kept[OF_STRETCH];
};

static struct stretch stretch_of(const struct curve_sample *v, size_t from, size_t to)
{
	size_t most = from, least = from, mapped = from, maps = from;

	for (size_t i = from; i < to; i++) {
		const struct curve_point *p = &v[i].at;

		if (v[i].is_exact)
			continue;
		if (p->rss > v[most].at.rss)
			most = i;
		if (p->rss >= 0 && p->rss < v[least].at.rss)
			least = i;
		if (p->mapped > v[mapped].at.mapped)
			mapped = i;
		if (p->maps > v[maps].at.maps)
			maps = i;
	}
	return (struct stretch){{most, least, mapped, maps}};
}

static bool stays(const struct stretch *s, size_t i)
{
	for (unsigned k = 0; k < OF_STRETCH; k++)
		if (s->kept[k] == i)
			return true;
	return false;
}

static size_t count_exact(const struct curve *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += c->v[i].is_exact;
	return n;
}

void curve_thin(struct curve *c, size_t most)
{
	size_t exact = count_exact(c), kept = 0, n = c->n;

	if (n <= most)
		return;
	size_t stretches = most > exact ? (most - exact) / OF_STRETCH : 0;
	size_t length = stretches ? (n + stretches - 1) / stretches : n;

	for (size_t from = 0; from < n; from += length) {
		size_t to = from + length < n ? from + length : n;
		struct stretch s = stretch_of(c->v, from, to);

		for (size_t i = from; i < to; i++)
			if (c->v[i].is_exact || (stretches && stays(&s, i)))
				c->v[kept++] = c->v[i];
	}
	c->n = kept;
	c->is_thinned = true;
}
