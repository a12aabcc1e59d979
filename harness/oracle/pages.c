#include "harness/oracle/pages.h"

#include <errno.h>
#include <string.h>

#include "harness/oracle/pages_internal.h"

static const char *const rule_names[PAGES_RULES] = {
	[PAGES_DONTNEED_ZEROES] = "dontneed-zeroes",
	[PAGES_DONTNEED_KEEPS_SHARED] = "dontneed-keeps-shared",
	[PAGES_UNMAP_ROUNDS_UP] = "unmap-rounds-up",
	[PAGES_PROTECT_STOPS_AT_HOLE] = "protect-stops-at-hole",
	[PAGES_ADVICE_PASSES_HOLE] = "advice-passes-hole",
	[PAGES_MREMAP_MOVES_CONTENT] = "mremap-moves-content",
	[PAGES_MREMAP_SHRINKS_TAIL] = "mremap-shrinks-tail",
	[PAGES_DONTUNMAP_LEAVES_ZERO] = "dontunmap-leaves-zero",
	[PAGES_DUPLICATE_IS_SHARED] = "duplicate-is-shared",
	[PAGES_FORK_COPIES_PRIVATE] = "fork-copies-private",
	[PAGES_FORK_SHARES_SHARED] = "fork-shares-shared",
	[PAGES_DONTFORK_ABSENT] = "dontfork-absent",
	[PAGES_WIPEONFORK_ZERO] = "wipeonfork-zero",
	[PAGES_PRIVATE_FILE_COPIES] = "private-file-copies",
	[PAGES_GUARD_DROPS_CONTENT] = "guard-drops-content",
	[PAGES_MLOCK_POPULATES] = "mlock-populates",
	[PAGES_READ_COSTS_NOTHING] = "read-costs-nothing",
};

const char *pages_rule_name(unsigned rule)
{
	return rule < PAGES_RULES ? rule_names[rule] : NULL;
}

int pages_rule_by_name(const char *name)
{
	for (int i = PAGES_ALL_RIGHT + 1; i < PAGES_RULES; i++)
		if (strcmp(rule_names[i], name) == 0)
			return i;
	return -ENOENT;
}

static uint32_t objects_of(const struct pages_options *o)
{
	return o->capacity < OBJECTS_MAX ? o->capacity : OBJECTS_MAX;
}

size_t pages_private_bytes(const struct pages_options *o)
{
	return sizeof(struct pages) + run_map_arena_bytes(o->capacity, sizeof(struct region)) +
	       run_map_arena_bytes(o->capacity, sizeof(struct page_state)) +
	       objects_of(o) * sizeof(struct object_use) + 4 * _Alignof(max_align_t);
}

size_t pages_shared_bytes(const struct pages_options *o)
{
	return sizeof(struct pages_shared) +
	       run_map_arena_bytes(o->capacity, sizeof(struct page_content)) +
	       objects_of(o) * sizeof(struct page_object) + 4 * _Alignof(max_align_t);
}

static void region_changed(void *context, const void *value, int64_t pages)
{
	const struct region *r = value;
	struct pages *p = context;

	if (r->object)
		object_used(p, r->object, pages);
	/* All of it may be resident, or nothing. */
	p->high += (uint64_t)(r->flags & REGION_UNSURE ? pages : 0);
}

/* Nobody follows what is written through this mapping, and what becomes of it, any more. */
static void region_forgotten(void *context, const struct run *run, const void *value)
{
	struct page_object *o = object_of(context, ((const struct region *)value)->object);
	struct page_state state = state_unsure();

	if (o)
		o->untrusted = 1;
	/* The caller may be about to put a part of the region back as it was. */
	state_put(context, run->start, run->end, &state);
}

static void state_changed(void *context, const void *value, int64_t pages)
{
	const struct page_state *s = value;
	struct pages *p = context;

	p->low += (uint64_t)(s->low ? pages : 0);
	p->high += (uint64_t)(s->high ? pages : 0);
}

static int regions_new(struct arena *own, struct pages *p)
{
	const struct region unsure = {.flags = REGION_UNSURE | REGION_ALIEN};

	return run_map_new(own,
			   &(struct run_map_options){.capacity = p->options.capacity,
						     .value_bytes = sizeof(struct region),
						     .forgotten = &unsure,
						     .context = p,
						     .changed = region_changed,
						     .forgets = region_forgotten},
			   &p->regions);
}

static int states_new(struct arena *own, struct pages *p)
{
	const struct page_state unsure = state_unsure();

	return run_map_new(own,
			   &(struct run_map_options){.capacity = p->options.capacity,
						     .value_bytes = sizeof(struct page_state),
						     .forgotten = &unsure,
						     .context = p,
						     .changed = state_changed},
			   &p->states);
}

static int shared_new(struct arena *shared, const struct pages_options *o,
		      struct pages_shared **ret_shared)
{
	const struct page_content unknown = content_unknown();
	struct pages_shared *s = arena_take(shared, sizeof(*s), _Alignof(max_align_t));
	struct page_object *objects = arena_take_raw(shared, objects_of(o) * sizeof(*objects),
						     _Alignof(struct page_object));

	if (!s || !objects)
		return -ENOMEM;
	*s = (struct pages_shared){.objects = objects, .capacity = objects_of(o)};
	int err = run_map_new(shared,
			      &(struct run_map_options){.capacity = o->capacity,
							.value_bytes = sizeof(struct page_content),
							.forgotten = &unknown},
			      &s->content);

	if (err == 0)
		*ret_shared = s;
	return err;
}

int pages_new(struct arena *own, struct arena *shared, const struct pages_options *o,
	      struct pages **ret_pages)
{
	struct pages *p = arena_take(own, sizeof(*p), _Alignof(max_align_t));
	struct object_use *uses =
		arena_take_raw(own, objects_of(o) * sizeof(*uses), _Alignof(struct object_use));

	if (!p || !uses)
		return -ENOMEM;
	*p = (struct pages){.options = *o, .uses = uses, .proc = UINT32_MAX};
	if (regions_new(own, p) != 0 || states_new(own, p) != 0 ||
	    shared_new(shared, o, &p->shared) != 0)
		return -ENOMEM;
	*ret_pages = p;
	return 0;
}

void pages_unknown(struct pages *p, uintptr_t start, uintptr_t end)
{
	uint64_t page = p->options.page_bytes;

	pages_sync(p);
	if (start < end)
		range_unsure(p, start / page, end / page + (end % page != 0), true);
}

void pages_resident(const struct pages *p, struct pages_resident *ret_resident)
{
	/* As in pages_look. */
	pages_sync((struct pages *)p);
	*ret_resident = (struct pages_resident){p->low * p->options.page_bytes,
						p->high * p->options.page_bytes};
}

uint64_t pages_forgotten(const struct pages *p)
{
	return run_map_forgotten(p->regions) + run_map_forgotten(p->states) +
	       run_map_forgotten(p->shared->content);
}
