#include "harness/prog/emit/shadow.h"

#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>

#include "harness/prog/emit/say.h"
#include "harness/prog/emit/vmas.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef MADV_GUARD_REMOVE
#define MADV_GUARD_REMOVE 103
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#define MADV_TAKES_PAGES_AWAY 100 /* MADV_HWPOISON and MADV_SOFT_OFFLINE */

#define OWN_RUNS    (1u << 18)
#define OBJECT_RUNS (1u << 16)
#define OBJECTS	    (1u << 17)
#define ALL_PAGES   (UINT64_C(1) << 40)

/* In memory that all processes share. */
struct common {
	pthread_mutex_t lock;
	uint64_t next_word, truncations;
	uint32_t nobjects, nunused;
	uint64_t pages[OBJECTS];  /* of each object */
	uint64_t lowest[OBJECTS]; /* how short it ever was */
	uint32_t unused[OBJECTS]; /* numbers of objects that are gone */
};

static struct runs *own, *objects;
static struct common *common;
static uint64_t truncations_seen;
static bool is_kept[OBJECTS];

void shadow_start(void)
{
	pthread_mutexattr_t a;

	own = runs_new(OWN_RUNS, MAP_PRIVATE);
	objects = runs_new(OBJECT_RUNS, MAP_SHARED);
	common = vmas_own(sizeof(*common), MAP_SHARED);
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&common->lock, &a);
	common->next_word = UINT64_C(0xa110c) << 40;
}

void shadow_lock(void)
{
	pthread_mutex_lock(&common->lock);
}

void shadow_unlock(void)
{
	pthread_mutex_unlock(&common->lock);
}

struct runs *shadow_pages(void)
{
	return own;
}

static uint64_t min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void view_object(uint64_t key, struct view *v, uint64_t page)
{
	const struct run *r = runs_first(objects, key);

	v->content = ZERO;
	if (!r)
		return;
	if (r->start > key) {
		v->end = min(v->end, page + (r->start - key));
		return;
	}
	v->end = min(v->end, page + (r->end - key));
	v->content = r->content;
	v->word = r->word + (key - r->start);
}

/* Access is judged by the mapping first and then by the length of the file. */
static enum can reach(const struct run *r, uint64_t page, struct view *v)
{
	v->writes = r->writes;
	if (r->is_strange || r->is_unsure)
		return CAN_MAYBE;
	if (r->is_guard || !r->reads)
		return CAN_NOTHING;
	if (r->object) {
		uint64_t at = PAGE_OF(r->object) + (page - r->start);
		uint64_t pages = common->pages[OBJECT_OF(r->object)];

		if (at >= pages)
			return CAN_NOT_REACH;
		v->end = min(v->end, page + (pages - at));
	}
	return r->writes ? CAN_WRITE : CAN_READ;
}

void shadow_view(uint64_t page, uint64_t end, struct view *ret)
{
	const struct run *r = runs_first(own, page);

	*ret = (struct view){.end = end, .can = CAN_NOTHING};
	if (!r)
		return;
	if (r->start > page) {
		ret->end = min(end, r->start);
		return;
	}
	ret->end = min(end, r->end);
	ret->can = reach(r, page, ret);
	ret->content = r->content;
	ret->word = r->word + (page - r->start);
	if (r->content == OF_OBJECT)
		view_object(r->object + (page - r->start), ret, page);
}

uint64_t shadow_new_words(uint64_t pages)
{
	uint64_t first = common->next_word;

	common->next_word += pages;
	return first;
}

static void write_object(uint64_t key, uint64_t pages, uint64_t word)
{
	runs_remove(objects, key, key + pages);
	runs_insert(
		objects,
		&(struct run){.start = key, .end = key + pages, .content = WORDS, .word = word});
	runs_join(objects, key, key + pages);
}

void shadow_write(uint64_t from, uint64_t to, uint64_t word)
{
	struct run *r = runs_cut(own, from, to);

	for (; r && r->start < to; r = runs_next(own, r)) {
		uint64_t first = word + (r->start - from);

		if (r->is_shared) {
			write_object(r->object, r->end - r->start, first);
		} else {
			r->content = WORDS;
			r->word = first;
		}
	}
	runs_join(own, from, to);
}

uint32_t object_new(uint64_t bytes)
{
	uint32_t object;

	if (common->nunused)
		object = common->unused[--common->nunused];
	else if (common->nobjects < OBJECTS - 1)
		object = ++common->nobjects;
	else
		impossible("the program has more files and shared mappings than can be followed");
	common->pages[object] = bytes / PAGE + (bytes % PAGE != 0);
	common->lowest[object] = UINT64_MAX;
	return object;
}

void object_keep(uint32_t object)
{
	is_kept[object] = true;
}

bool object_is_scarce(void)
{
	bool runs = objects->used > OBJECT_RUNS - OBJECT_RUNS / 8 && !objects->unused;

	return runs || (common->nobjects > OBJECTS - OBJECTS / 8 && !common->nunused);
}

/* Only where no other process is that may have objects of its own. */
void objects_sweep(void)
{
	for (struct run *r = runs_first(own, 0); r; r = runs_next(own, r))
		is_kept[OBJECT_OF(r->object)] = true;
	common->nunused = 0;
	for (uint32_t i = 1; i <= common->nobjects; i++) {
		if (!is_kept[i]) {
			common->unused[common->nunused++] = i;
			runs_remove(objects, OBJECT_KEY(i, 0), OBJECT_KEY(i + 1, 0));
		}
		is_kept[i] = false;
	}
}

/* Copies of pages behind the end go too. */
static void drop_copies(uint32_t object, uint64_t pages, enum content now)
{
	for (struct run *r = runs_first(own, 0); r; r = runs_next(own, r)) {
		if (OBJECT_OF(r->object) != object || r->is_shared)
			continue;
		uint64_t first = PAGE_OF(r->object), n = r->end - r->start;

		if (first + n <= pages || r->content == OF_OBJECT)
			continue;
		if (first < pages) {
			runs_cut(own, r->start, r->start + (pages - first));
			continue;
		}
		r->content = now;
	}
}

void object_resize(uint32_t object, uint64_t bytes)
{
	uint64_t pages = bytes / PAGE + (bytes % PAGE != 0);
	uint64_t last = OBJECT_KEY(object, pages);

	if (bytes % PAGE && bytes % PAGE < sizeof(uint64_t)) {
		struct run *r = runs_cut(objects, last - 1, last);

		if (r) /* its word is cut too */
			r->content = UNKNOWN;
	}
	if (pages < common->pages[object]) {
		runs_remove(objects, last, OBJECT_KEY(object + 1, 0));
		drop_copies(object, pages, OF_OBJECT);
		common->lowest[object] = min(common->lowest[object], pages);
		truncations_seen += truncations_seen == common->truncations++;
	}
	common->pages[object] = pages;
}

void shadow_map(const struct run *mapping)
{
	runs_remove(own, mapping->start, mapping->end);
	runs_insert(own, mapping);
	runs_join(own, mapping->start, mapping->end);
}

void shadow_unmap(uint64_t from, uint64_t to)
{
	runs_remove(own, from, to);
}

void shadow_protect(uint64_t from, uint64_t to, int prot)
{
	struct run *r = runs_cut(own, from, to);

	for (; r && r->start < to; r = runs_next(own, r)) {
		r->reads = prot != PROT_NONE;
		r->writes = prot & PROT_WRITE;
		r->is_unsure = false;
	}
	runs_join(own, from, to);
}

static void remove_from_object(const struct run *r)
{
	if (r->is_shared)
		runs_remove(objects, r->object, r->object + (r->end - r->start));
}

static void advise_run(struct run *r, int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
		r->content = r->object ? OF_OBJECT : ZERO;
		break;
	case MADV_FREE:
		if (r->content == WORDS)
			r->content = WORDS_OR_NOT;
		break;
	case MADV_REMOVE:
		remove_from_object(r);
		break;
	case MADV_DONTFORK:
	case MADV_DOFORK:
		r->goes_away = advice == MADV_DONTFORK;
		break;
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
		r->is_wiped = advice == MADV_WIPEONFORK;
		break;
	case MADV_GUARD_INSTALL:
		r->is_guard = true;
		r->content = r->object ? OF_OBJECT : ZERO;
		break;
	case MADV_GUARD_REMOVE:
		r->is_guard = false;
		break;
	default:
		r->is_strange |=
			advice == MADV_TAKES_PAGES_AWAY || advice == MADV_TAKES_PAGES_AWAY + 1;
		break;
	}
}

void shadow_advise(uint64_t from, uint64_t to, int advice)
{
	struct run *r = runs_cut(own, from, to);

	for (; r && r->start < to; r = runs_next(own, r))
		advise_run(r, advice);
	runs_join(own, from, to);
	if (advice == MADV_POPULATE_WRITE)
		shadow_populate(from, to);
}

void shadow_populate(uint64_t from, uint64_t to)
{
	struct view v;

	for (uint64_t page = from; page < to; page = v.end) {
		shadow_view(page, to, &v);
		struct run *r = runs_first(own, page);

		if (v.can != CAN_WRITE || r->is_shared || r->content != OF_OBJECT)
			continue;
		r = runs_cut(own, page, v.end);
		r->content = (uint8_t)v.content;
		r->word = v.word;
	}
	runs_join(own, from, to);
}

void shadow_unsure_access(uint64_t from, uint64_t to)
{
	struct run *r = runs_cut(own, from, to);

	for (; r && r->start < to; r = runs_next(own, r))
		r->is_unsure = true;
}

void shadow_unsure_content(uint64_t from, uint64_t to)
{
	struct run *r = runs_cut(own, from, to);

	for (; r && r->start < to; r = runs_next(own, r)) {
		if (r->object && r->content == WORDS)
			r->content = UNKNOWN;
		else if (r->content == WORDS)
			r->content = WORDS_OR_NOT;
	}
}

/* The pages behind what was there carry on from its last one. */
static void grow(const struct shadow_move *m, const struct run *last)
{
	struct run more = *last;

	run_skip_to(&more, last->end);
	more.start = m->to + m->from_pages;
	more.end = m->to + m->to_pages;
	more.slot = m->slot;
	more.is_guard = false;
	if (!more.is_shared)
		more.content = more.object ? OF_OBJECT : ZERO;
	shadow_map(&more);
}

static void leave_empty(uint64_t from, uint64_t to)
{
	struct run *r = runs_cut(own, from, to);

	for (; r && r->start < to; r = runs_next(own, r)) {
		r->is_guard = false;
		if (!r->is_shared)
			r->content = r->object ? OF_OBJECT : ZERO;
	}
	runs_join(own, from, to);
}

static void carry(const struct shadow_move *m)
{
	uint64_t n = min(m->from_pages, m->to_pages);
	const struct run *r = runs_cut(own, m->from, m->from + n);

	for (; r && r->start < m->from + n; r = runs_next(own, r)) {
		struct run moved = *r;

		moved.start = r->start - m->from + m->to;
		moved.end = r->end - m->from + m->to;
		moved.slot = m->slot;
		runs_insert(own, &moved);
	}
	runs_join(own, m->to, m->to + n);
	if (m->keeps_source)
		leave_empty(m->from, m->from + m->from_pages);
	else
		runs_remove(own, m->from, m->from + m->from_pages);
}

static void duplicate(const struct shadow_move *m)
{
	const struct run *source = runs_first(own, m->from);

	if (!source || source->start > m->from)
		return;
	struct run copy = *source;

	run_skip_to(&copy, m->from);
	copy.start = m->to;
	copy.end = m->to + m->to_pages;
	copy.slot = m->slot;
	copy.is_guard = false;
	shadow_map(&copy);
}

void shadow_remap(const struct shadow_move *m)
{
	if (m->from_pages == 0) {
		duplicate(m);
		return;
	}
	const struct run *last = runs_first(own, m->from + m->from_pages - 1);
	struct run end = last ? *last : (struct run){0};

	if (end.end > m->from + m->from_pages)
		end.end = m->from + m->from_pages;
	if (m->to != m->from) {
		runs_remove(own, m->to, m->to + m->to_pages);
		carry(m);
	} else if (m->to_pages < m->from_pages) {
		runs_remove(own, m->from + m->to_pages, m->from + m->from_pages);
	}
	if (m->to_pages > m->from_pages)
		grow(m, &end);
}

void shadow_forked(void)
{
	struct run *r = runs_first(own, 0), *next;

	for (; r; r = next) {
		next = runs_next(own, r);
		if (r->is_wiped) {
			r->content = r->object ? OF_OBJECT : ZERO;
			r->is_guard = false;
		}
		if (r->goes_away)
			runs_remove(own, r->start, r->end);
	}
}

/* A file that it made shorter took copies of its parent's pages away. */
void shadow_child_gone(void)
{
	if (truncations_seen == common->truncations)
		return;
	truncations_seen = common->truncations;
	for (uint32_t i = 1; i <= common->nobjects; i++)
		if (common->lowest[i] != UINT64_MAX)
			drop_copies(i, common->lowest[i], UNKNOWN);
}
