#include "harness/prog/emit/runs.h"

#include <stddef.h>

#include "harness/prog/emit/say.h"
#include "harness/prog/emit/vmas.h"

struct runs *runs_new(uint32_t capacity, int sharing)
{
	size_t bytes = sizeof(struct runs) + ((size_t)capacity + 1) * sizeof(struct run);
	struct runs *l = vmas_own(bytes, sharing);

	l->capacity = capacity;
	l->dice = 1;
	return l;
}

static uint32_t index_of(const struct runs *l, const struct run *r)
{
	return (uint32_t)(r - l->run);
}

/* On each level the link to the first run that ends behind `key`. */
static void find(struct runs *l, uint64_t key, uint32_t *link[RUN_LEVELS])
{
	uint32_t *at = l->head;

	for (int level = RUN_LEVELS - 1; level >= 0; level--) {
		while (at[level] && l->run[at[level]].end <= key)
			at = l->run[at[level]].next;
		link[level] = &at[level];
	}
}

struct run *runs_first(struct runs *l, uint64_t key)
{
	uint32_t *link[RUN_LEVELS];

	find(l, key, link);
	return *link[0] ? &l->run[*link[0]] : NULL;
}

struct run *runs_next(struct runs *l, const struct run *r)
{
	return r->next[0] ? &l->run[r->next[0]] : NULL;
}

static struct run *take(struct runs *l)
{
	uint32_t i = l->unused;

	if (i)
		l->unused = l->run[i].next[0];
	else if (l->used < l->capacity)
		i = ++l->used;
	else
		impossible("the program has more different pages than can be followed here");
	return &l->run[i];
}

/* One run in four is on the next level too. */
static int throw(struct runs * l)
{
	int level = 1;

	l->dice = l->dice * UINT64_C(6364136223846793005) + 1442695040888963407;
	for (uint64_t bits = l->dice >> 33; level < RUN_LEVELS && bits % 4 == 0; bits /= 4)
		level++;
	return level;
}

void runs_insert(struct runs *l, const struct run *r)
{
	uint32_t *link[RUN_LEVELS];
	struct run *added = take(l);

	find(l, r->start, link);
	*added = *r;
	for (int level = 0, top = throw(l); level < RUN_LEVELS; level++) {
		added->next[level] = 0;
		if (level >= top)
			continue;
		added->next[level] = *link[level];
		*link[level] = index_of(l, added);
	}
}

static void drop(struct runs *l, struct run *r)
{
	uint32_t *link[RUN_LEVELS], i = index_of(l, r);

	find(l, r->start, link);
	for (int level = 0; level < RUN_LEVELS; level++)
		if (*link[level] == i)
			*link[level] = r->next[level];
	r->next[0] = l->unused;
	l->unused = i;
}

void run_skip_to(struct run *r, uint64_t key)
{
	uint64_t pages = key - r->start;

	if (r->content == WORDS || r->content == WORDS_OR_NOT)
		r->word += pages;
	if (r->object)
		r->object += pages;
	r->start = key;
}

static void cut_at(struct runs *l, uint64_t key)
{
	struct run *r = runs_first(l, key);

	if (!r || r->start >= key)
		return;
	struct run behind = *r;

	run_skip_to(&behind, key);
	r->end = key;
	runs_insert(l, &behind);
}

struct run *runs_cut(struct runs *l, uint64_t from, uint64_t to)
{
	cut_at(l, from);
	cut_at(l, to);
	struct run *r = runs_first(l, from);

	return r && r->start < to ? r : NULL;
}

void runs_remove(struct runs *l, uint64_t from, uint64_t to)
{
	struct run *r = runs_cut(l, from, to);

	while (r && r->start < to) {
		struct run *next = runs_next(l, r);

		drop(l, r);
		r = next;
	}
}

static bool carries_on(const struct run *a, const struct run *b)
{
	uint64_t pages = a->end - a->start;
	bool words = a->content == WORDS || a->content == WORDS_OR_NOT;

	return a->end == b->start && a->slot == b->slot && a->content == b->content &&
	       (!words || a->word + pages == b->word) &&
	       (a->object ? a->object + pages == b->object : !b->object) && a->reads == b->reads &&
	       a->writes == b->writes && a->is_shared == b->is_shared &&
	       a->is_guard == b->is_guard && a->goes_away == b->goes_away &&
	       a->is_wiped == b->is_wiped && a->is_strange == b->is_strange &&
	       a->is_unsure == b->is_unsure;
}

void runs_join(struct runs *l, uint64_t from, uint64_t to)
{
	struct run *r = runs_first(l, from ? from - 1 : 0), *next;

	for (; r && r->start <= to; r = next) {
		next = runs_next(l, r);
		if (!next || !carries_on(r, next))
			continue;
		uint64_t end = next->end;

		drop(l, next);
		r->end = end;
		next = r;
	}
}
