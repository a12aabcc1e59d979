/*
 * fence_pages.h - a set of a chunk's pages: those that are free.
 */
#ifndef GUARD_FENCE_PAGES_H
#define GUARD_FENCE_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#define PAGES_MAX 1024u

struct pages {
	uint64_t bits[PAGES_MAX / 64];
};

static inline void pages_set(struct pages *s, unsigned first, unsigned count, bool in)
{
	for (unsigned page = first; page < first + count; page++) {
		uint64_t bit = (uint64_t)1 << (page % 64);

		if (in)
			s->bits[page / 64] |= bit;
		else
			s->bits[page / 64] &= ~bit;
	}
}

/* First page >= from that is in the set, or is not; PAGES_MAX: none. */
static inline unsigned pages_next(const struct pages *s, unsigned from, bool in)
{
	for (unsigned w = from / 64; w < PAGES_MAX / 64; w++) {
		uint64_t word = in ? s->bits[w] : ~s->bits[w];

		if (w == from / 64)
			word &= ~(uint64_t)0 << (from % 64);
		if (word)
			return w * 64 + (unsigned)__builtin_ctzl(word);
	}
	return PAGES_MAX;
}

/* The first run of at least `count` pages, PAGES_MAX: none; *ret_longest: the length of the longest
 * run that was seen on the way. */
static inline unsigned pages_run(const struct pages *s, unsigned count, unsigned *ret_longest)
{
	unsigned at = 0, end;

	*ret_longest = 0;
	while ((at = pages_next(s, at, true)) < PAGES_MAX) {
		end = pages_next(s, at, false);
		if (end - at > *ret_longest)
			*ret_longest = end - at;
		if (end - at >= count)
			return at;
		at = end;
	}
	return PAGES_MAX;
}

static inline unsigned pages_longest(const struct pages *s)
{
	unsigned longest;

	pages_run(s, PAGES_MAX + 1, &longest);
	return longest;
}

#endif
