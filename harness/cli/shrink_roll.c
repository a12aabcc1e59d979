/*
 * Groups of statements that follow each other and are alike, said once: in a loop. Loops become
 * slots side by side elsewhere.
 */
#include <string.h>

#include "harness/cli/shrink_priv.h"

/* Statements of a group. */
#define MOST_GROUP 16

struct roll {
	size_t first, size, times; /* s->starts[first]: of the first group; statements of each */
	bool exactly;
};

/* Ops that differ in numbers, slots or the call that fills a slot may mean the same. */
static bool ops_are_alike(const struct op *a, const struct op *b, bool exactly)
{
	struct op x = *a, y = *b;

	if (!exactly)
		return shrink_ops_are_alike(a, b);
	x.stmt = y.stmt = x.line = y.line = 0;
	return memcmp(&x, &y, sizeof(x)) == 0;
}

static bool groups_are_alike(const struct shrink *s, const struct roll *r, size_t other)
{
	size_t a = s->starts[r->first], a_end = s->starts[r->first + r->size];
	size_t b = s->starts[other], b_end = s->starts[other + r->size];

	if (a_end - a != b_end - b)
		return false;
	while (a < a_end && ops_are_alike(&s->best.ops[a], &s->best.ops[b], r->exactly)) {
		a++;
		b++;
	}
	return a == a_end;
}

/* How often the group stands there in a row, of a list of n statements. */
static size_t times_of(const struct shrink *s, const struct roll *r, size_t n)
{
	size_t times = 1;

	while (r->first + (times + 1) * r->size <= n &&
	       groups_are_alike(s, r, r->first + times * r->size))
		times++;
	return times;
}

/* The group `as` in a loop, instead of all. */
static bool try_roll(struct shrink *s, const struct roll *r, size_t as)
{
	const struct op *from = &s->best.ops[s->starts[r->first + as * r->size]];
	size_t begin = s->starts[r->first], len = s->starts[r->first + r->size] - begin;
	size_t end = s->starts[r->first + r->times * r->size];
	struct program *p = shrink_trial(s);
	struct op *to = p->ops + begin;
	/* Numbered as the first of them: what faults say of that holds of both. */
	const struct op loop = {
		.code = OP_REPEAT, .thread = from->thread, .arg0 = r->times, .stmt = to->stmt};

	to[0] = loop;
	for (size_t i = 0; i < len; i++) {
		to[i + 1] = from[i];
		to[i + 1].stmt = s->best.ops[begin + i].stmt;
	}
	to[len + 1] = loop;
	to[len + 1].code = OP_END;
	to[len + 1].arg0 = 0;
	for (size_t i = begin + len + 2; i < end; i++)
		p->ops[i].code = SHRINK_DEAD;
	shrink_compact(p);
	return shrink_try(s);
}

static bool roll_groups(struct shrink *s, size_t begin, struct roll r)
{
	size_t n = shrink_list(s, begin);
	bool kept = false;

	for (r.first = 0; r.first + 2 * r.size <= n && !s->stop; r.first++) {
		r.times = times_of(s, &r, n);
		/* The loop is a statement itself. */
		if ((r.times - 1) * r.size < 2)
			continue;
		if (try_roll(s, &r, 0) || (!r.exactly && try_roll(s, &r, r.times - 1))) {
			n = shrink_list(s, begin);
			kept = true;
		} else {
			r.first += (r.times - 1) * r.size;
		}
	}
	return kept;
}

static bool roll_list(struct shrink *s, size_t begin, bool exactly)
{
	bool kept = false;

	for (size_t size = 1; size <= MOST_GROUP; size++)
		kept |= roll_groups(s, begin, (struct roll){.size = size, .exactly = exactly});
	return kept;
}

bool shrink_pass_roll(struct shrink *s)
{
	bool kept = roll_list(s, 0, true);

	kept |= roll_list(s, 0, false);
	for (size_t i = 0; i < s->best.nops && !s->stop; i++)
		if (op_opens_block(s->best.ops[i].code)) {
			kept |= roll_list(s, i + 1, true);
			kept |= roll_list(s, i + 1, false);
		}
	return kept;
}
