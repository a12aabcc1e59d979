/*
 * Header lines dropped, and their numbers.
 */
#include <stddef.h>
#include <string.h>

#include "harness/cli/shrink_priv.h"

static bool drop_ballast(struct shrink *s)
{
	struct prog_header *h = &shrink_trial(s)->header;

	if (!h->has_ballast)
		return false;
	h->has_ballast = 0;
	h->ballast = 0;
	return shrink_try(s);
}

/* From the last on: those before keep their places. */
static bool drop_faults(struct shrink *s)
{
	bool kept = false;

	for (uint32_t i = s->best.header.nfaults; i-- > 0 && !s->stop;) {
		struct prog_header *h = &shrink_trial(s)->header;

		h->nfaults--;
		memmove(&h->faults[i], &h->faults[i + 1], (h->nfaults - i) * sizeof(h->faults[0]));
		kept |= shrink_try(s);
	}
	return kept;
}

static bool drop_needs(struct shrink *s)
{
	bool kept = false;

	for (uint32_t i = s->best.header.nneeds; i-- > 0 && !s->stop;) {
		struct prog_header *h = &shrink_trial(s)->header;

		h->nneeds--;
		memmove(&h->needs[i], &h->needs[i + 1], (h->nneeds - i) * sizeof(h->needs[0]));
		kept |= shrink_try(s);
	}
	return kept;
}

static void put_ballast(struct program *trial, const void *what, uint64_t now, uint64_t value)
{
	(void)what;
	(void)now;
	trial->header.ballast = value;
}

/* A number of a fault line. */
struct fault_number {
	uint32_t fault;
	size_t offset; /* of a uint64_t in struct fault_plan */
};

static uint64_t *fault_number_in(struct program *p, const struct fault_number *n)
{
	return (uint64_t *)((char *)&p->header.faults[n->fault] + n->offset);
}

static void put_fault(struct program *trial, const void *what, uint64_t now, uint64_t value)
{
	(void)now;
	*fault_number_in(trial, what) = value;
}

static bool set_fault(struct shrink *s, struct fault_number n, uint64_t value)
{
	if (*fault_number_in(&s->best, &n) == value)
		return false;
	*fault_number_in(shrink_trial(s), &n) = value;
	return shrink_try(s);
}

static bool shrink_fault(struct shrink *s, uint32_t i)
{
	const size_t counted[] = {offsetof(struct fault_plan, nth),
				  offsetof(struct fault_plan, count),
				  offsetof(struct fault_plan, every)};
	struct fault_number from = {i, offsetof(struct fault_plan, from_stmt)};
	struct fault_number to = {i, offsetof(struct fault_plan, to_stmt)};
	bool kept = set_fault(s, from, 0);

	kept |= set_fault(s, to, UINT64_MAX);
	for (size_t j = 0; j < sizeof(counted) / sizeof(counted[0]); j++) {
		struct fault_number n = {i, counted[j]};
		uint64_t now = *fault_number_in(&s->best, &n);

		/* count=0 has no end. */
		kept |= now ? shrink_least(s, put_fault, &n, (uint64_t[]){1, now})
			    : set_fault(s, n, 1);
	}
	return kept;
}

bool shrink_drop_header(struct shrink *s)
{
	bool kept = drop_ballast(s);

	kept |= drop_faults(s);
	kept |= drop_needs(s);
	return kept;
}

bool shrink_pass_header(struct shrink *s)
{
	bool kept = shrink_drop_header(s);

	if (s->best.header.has_ballast)
		kept |= shrink_least(s, put_ballast, NULL, (uint64_t[]){0, s->best.header.ballast});
	for (uint32_t i = 0; i < s->best.header.nfaults && !s->stop; i++)
		kept |= shrink_fault(s, i);
	return kept;
}
