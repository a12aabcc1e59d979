/*
 * Files, memfds, shm objects and the nameless ones: a table and their content, in shared memory.
 *
 * The number of an object holds how often its place was used, so that a process that still maps
 * one that another freed finds out.
 */
#include "harness/oracle/pages_internal.h"

#define NUMBER_BITS	20
#define GENERATION_MASK UINT32_C(0xfff)

static uint32_t place_of(uint32_t object)
{
	return (object & OBJECTS_MAX) - 1;
}

static uint32_t number_of(const struct pages *p, uint32_t place)
{
	return p->shared->objects[place].generation << NUMBER_BITS | (place + 1);
}

struct page_object *object_of(const struct pages *p, uint32_t object)
{
	uint32_t place = place_of(object);

	if (object == 0 || place >= p->shared->fresh || !p->shared->objects[place].live ||
	    number_of(p, place) != object)
		return NULL;
	return &p->shared->objects[place];
}

uint32_t object_new(struct pages *p, uint64_t bytes, bool held)
{
	struct pages_shared *s = p->shared;
	uint32_t place, generation = 0;

	if (s->free) {
		place = s->free - 1;
		s->free = s->objects[place].next_free;
		generation = s->objects[place].generation;
	} else if (s->fresh < s->capacity) {
		place = s->fresh++;
	} else {
		return 0;
	}
	s->objects[place] = (struct page_object){
		.bytes = bytes, .generation = generation, .proc = p->proc, .live = 1};
	p->uses[place] = (struct object_use){.held = held};
	return number_of(p, place);
}

static void object_free(struct pages *p, uint32_t place)
{
	struct pages_shared *s = p->shared;
	struct page_object *o = &s->objects[place];
	uint32_t object = number_of(p, place);

	(void)run_map_cut(s->content, &(struct run){object, 0, PAGES_NO_END});
	o->live = 0;
	o->generation = (o->generation + 1) & GENERATION_MASK;
	o->next_free = s->free;
	s->free = place + 1;
}

/* A child may still map what its parent does not map any more. */
static bool has_children(const struct pages *p)
{
	for (uint32_t i = 0; i < PROCESSES_KEPT; i++)
		if (p->shared->process[i].used && p->shared->process[i].parent == p->proc)
			return true;
	return p->shared->process_lost;
}

static void object_settle(struct pages *p, uint32_t place)
{
	const struct page_object *o = &p->shared->objects[place];

	if (o->live && o->proc == p->proc && !p->uses[place].held && p->uses[place].mapped == 0)
		object_free(p, place);
}

void objects_sweep(struct pages *p)
{
	p->ndying = 0;
	if (has_children(p))
		return;
	for (uint32_t place = 0; place < p->shared->fresh; place++)
		object_settle(p, place);
}

void objects_orphaned(struct pages *p, unsigned proc)
{
	for (uint32_t place = 0; place < p->shared->fresh; place++)
		if (p->shared->objects[place].live && p->shared->objects[place].proc == proc)
			object_free(p, place);
}

void objects_cut(struct pages *p)
{
	struct pages_shared *s = p->shared;

	/* Nothing that is linked can be believed. */
	run_map_clear(s->content);
	s->free = 0;
	for (uint32_t place = 0; place < s->fresh; place++) {
		struct page_object *o = &s->objects[place];

		o->unknown = o->size_unknown = 1;
		if (!o->live) {
			o->next_free = s->free;
			s->free = place + 1;
		}
	}
	drop_anything(p);
	p->drops_seen = s->drops;
}

void objects_settle(struct pages *p)
{
	if (p->ndying == 0)
		return;
	if (p->ndying > DYING_KEPT || has_children(p)) {
		objects_sweep(p);
		return;
	}
	for (uint32_t i = 0; i < p->ndying; i++)
		if (object_of(p, p->dying[i]))
			object_settle(p, place_of(p->dying[i]));
	p->ndying = 0;
}

static void object_dying(struct pages *p, uint32_t object)
{
	if (p->ndying < DYING_KEPT)
		p->dying[p->ndying] = object;
	if (p->ndying <= DYING_KEPT)
		p->ndying++;
}

void object_used(struct pages *p, uint32_t object, int64_t pages)
{
	if (!object_of(p, object))
		return;
	struct object_use *use = &p->uses[place_of(object)];

	use->mapped += (uint64_t)pages;
	if (use->mapped == 0)
		object_dying(p, object);
}

uint32_t pages_object(struct pages *p, uint64_t bytes)
{
	return object_new(p, bytes, true);
}

void pages_object_drop(struct pages *p, uint32_t object)
{
	if (!object_of(p, object))
		return;
	p->uses[place_of(object)].held = false;
	object_dying(p, object);
	objects_settle(p);
}

void pages_object_reclaimable(struct pages *p, uint32_t object)
{
	struct page_object *o = object_of(p, object);

	if (o)
		o->reclaimable = 1;
}

uint64_t object_pages(const struct pages *p, const struct page_object *o)
{
	return o->bytes / p->options.page_bytes + (o->bytes % p->options.page_bytes != 0);
}

struct page_content object_content(const struct pages *p, uint32_t object, uint64_t page,
				   uint64_t *end)
{
	const struct page_object *o = object_of(p, object);
	struct page_content c = {0};
	struct run run;

	if (!o || o->untrusted)
		return content_unknown();
	bool found = run_map_find(p->shared->content, object, page, &run, &c);

	if (found && run.start <= page) {
		*end = least(*end, run.end);
		return c;
	}
	if (found)
		*end = least(*end, run.start);
	return o->unknown ? content_unknown() : (struct page_content){0};
}

/* A word at the end of a file that does not end with a page may reach behind the end. */
static void forget_cut_word(struct pages *p, uint32_t object, struct page_range r)
{
	const struct page_object *o = object_of(p, object);
	uint64_t over = o->bytes % p->options.page_bytes, last = o->bytes / p->options.page_bytes;
	struct page_content unknown = content_unknown();

	if (over && over < sizeof(uint64_t) && r.start <= last && last < r.end)
		(void)run_map_put(p->shared->content, &(struct run){object, last, last + 1},
				  &unknown);
}

void object_put(struct pages *p, uint32_t object, struct page_range r, struct page_content c)
{
	struct page_object *o = object_of(p, object);

	if (!o)
		return;
	if (run_map_put(p->shared->content, &(struct run){object, r.start, r.end}, &c) != 0)
		o->untrusted = 1;
	else if (!content_is_zero(&c))
		forget_cut_word(p, object, r);
}

void pages_truncate(struct pages *p, uint32_t object, uint64_t bytes)
{
	struct page_object *o = object_of(p, object);

	pages_sync(p);
	if (!o)
		return;
	bool shrinks = bytes < o->bytes || o->size_unknown;
	struct page_content zero = {0};

	o->bytes = bytes;
	o->size_unknown = 0;
	if (!shrinks)
		return;
	uint64_t end = object_pages(p, o);

	/* Behind the end it reads zero again when it grows, also where it was not known. */
	if (run_map_cut(p->shared->content, &(struct run){object, end, PAGES_NO_END}) != 0)
		o->untrusted = 1;
	if (o->unknown)
		object_put(p, object, (struct page_range){end, PAGES_NO_END}, zero);
	forget_cut_word(p, object, (struct page_range){0, end});
	object_drop_pages(
		p, &(struct page_drop){
			   .object = object, .copies = true, .start = end, .end = PAGES_NO_END});
}
