/*
 * What is faulted in by an access or a call that populates.
 *
 * Reading a fresh private anonymous page maps the zero page, which is no resident memory. A read of
 * an object's page maps it and maybe its neighbours, where they are cached (fault-around, 64 KiB).
 * Where huge pages are allowed, a fault may bring a whole one, and the kernel may make one at any
 * time later, where one page of it is there.
 */
#include "harness/oracle/pages_internal.h"

#define FAULT_AROUND_BYTES (64 << 10)

/* As many pages as one page table holds, 8 bytes an entry: what a huge page covers. */
static uint64_t huge_pages(const struct pages *p)
{
	return p->options.page_bytes / sizeof(uint64_t);
}

static bool is_huge(const struct region *r)
{
	return (r->flags & REGION_HUGE) != 0;
}

/* Whether a fault in a page of `a` may bring pages of `b`. */
static bool are_akin(const struct region *a, const struct region *b)
{
	if (a->flags & REGION_ALIEN)
		return b->object != 0;
	return a->object == b->object && is_huge(a) == is_huge(b) &&
	       !((a->flags ^ b->flags) & REGION_SHARED);
}

/* What has not been faulted in and is akin to `region` may be there now. */
static void neighbours_may(struct pages *p, struct page_range r, const struct region *region)
{
	struct region other;
	struct run run, seen;
	struct page_state state;

	for (uint64_t at = r.start; region_find(p, at, r.end, &run, &other); at = run.end) {
		const struct page_state may = {.view = other.object != 0, .high = 1};

		if (!are_akin(region, &other) || (other.flags & REGION_UNSURE))
			continue;
		for (uint64_t from = run.start; from < run.end;) {
			bool found = state_find(p, from, run.end, &seen, &state);

			state_put(p, from, found ? seen.start : run.end, &may);
			from = found ? seen.end : run.end;
		}
	}
}

/* Whether one access may bring as much as a huge page: files are cached in large units. */
static bool comes_in_blocks(const struct pages *p, const struct segment *s)
{
	const struct page_object *o = object_of(p, s->region.object);

	if (is_huge(&s->region) || (s->region.flags & REGION_ALIEN))
		return true;
	return o && (o->reclaimable || p->options.shmem_huge);
}

static void block_may(struct pages *p, const struct segment *s)
{
	uint64_t block = huge_pages(p);

	if (comes_in_blocks(p, s))
		neighbours_may(
			p,
			(struct page_range){block_start(s->start, block), block_end(s->end, block)},
			&s->region);
}

/* The window of 16 pages begins at a multiple of 16 or where the mapping begins. */
static void around_may(struct pages *p, const struct segment *s)
{
	uint64_t around = FAULT_AROUND_BYTES / p->options.page_bytes;

	if (around > 1)
		neighbours_may(p,
			       (struct page_range){block_start(s->start, around),
						   block_end(s->end, around) + around},
			       &s->region);
}

/* A read of an object's page. */
static void object_neighbours_may(struct pages *p, const struct segment *s)
{
	around_may(p, s);
	block_may(p, s);
}

static bool may_show_object(const struct segment *s)
{
	return s->region.object || (s->region.flags & REGION_ALIEN);
}

static uint8_t stays(const struct pages *p, const struct region *r)
{
	const struct page_object *o = object_of(p, r->object);

	return !(r->flags & REGION_LOOSE) && !(o && o->reclaimable);
}

static void map_object(struct pages *p, const struct segment *s)
{
	struct page_state state = {.view = 1, .low = stays(p, &s->region), .high = 1};

	block_may(p, s);
	state_put(p, s->start, s->end, &state);
}

/*
 * An access succeeded where it could not be known: there is a page, and what was written to it
 * stays. Where it may be that of an object, others write to it too, and may take it away.
 */
static void fault_unsure(struct pages *p, const struct segment *s, const struct page_content *c)
{
	struct page_state state = state_unsure();

	if (c && !s->region.object && !(s->region.flags & REGION_ALIEN)) {
		state.content = *c;
		state.low = 1;
	}
	if (may_show_object(s))
		object_neighbours_may(p, s);
	if (c && s->region.object)
		object_put(
			p, s->region.object,
			(struct page_range){s->start - s->region.delta, s->end - s->region.delta},
			content_unknown());
	if (s->mapped && (c || !s->has_state))
		state_put(p, s->start, s->end, &state);
}

static bool is_unsure(const struct segment *s)
{
	return s->region.flags & REGION_UNSURE;
}

void fault_read(struct pages *p, const struct segment *s)
{
	struct page_state state = s->state;

	if (is_unsure(s) || !s->mapped) {
		fault_unsure(p, s, NULL);
		return;
	}
	if (s->shows_object) {
		around_may(p, s);
		map_object(p, s);
	} else if (!s->has_state) {
		block_may(p, s);
		state.low = state.high = 1;
		if (p->options.wrong == PAGES_READ_COSTS_NOTHING)
			state_put(p, s->start, s->end, &state);
	} else if (s->region.object && s->content.unknown) {
		/* Maybe no copy at all. */
		object_neighbours_may(p, s);
	} else if (!content_is_zero(&s->content) && !s->content.lazy && !s->content.unknown) {
		/* It was brought back, wherever it was. */
		state.low = !(s->region.flags & REGION_LOOSE);
		state.high = 1;
		state_put(p, s->start, s->end, &state);
	}
}

/* An object's page: the content is seen in all its mappings. */
static void write_object(struct pages *p, const struct segment *s, const struct page_content *c)
{
	object_put(p, s->region.object,
		   (struct page_range){s->start - s->region.delta, s->end - s->region.delta},
		   content_moved(c, -s->region.delta));
	map_object(p, s);
}

void fault_write(struct pages *p, const struct segment *s, const struct page_content *c)
{
	struct page_state state = {
		.content = *c, .low = !(s->region.flags & REGION_LOOSE), .high = 1};
	bool copies =
		!(s->region.flags & REGION_SHARED) && p->options.wrong != PAGES_PRIVATE_FILE_COPIES;

	if (is_unsure(s) || !s->mapped) {
		fault_unsure(p, s, c);
	} else if (s->region.object && !copies) {
		write_object(p, s, c);
	} else {
		/* A copy is of one page, however large the file's pages are. */
		if (is_huge(&s->region))
			block_may(p, s);
		state_put(p, s->start, s->end, &state);
	}
}

void fault_behind_end(struct pages *p, const struct segment *s)
{
	if (may_show_object(s) && (s->can == PAGE_BUS || s->can == PAGE_UNKNOWN))
		object_neighbours_may(p, s);
}

/* Whether it could be populated at all; what lies behind in the mapping is not, if not. */
static bool segment_populates(const struct segment *s, bool write)
{
	return s->can == PAGE_WRITES || (s->can == PAGE_READS && !write);
}

static void populate_maybe(struct pages *p, const struct segment *s, bool write)
{
	struct page_state state =
		s->has_state ? s->state : (struct page_state){.view = s->shows_object};

	if ((!write || s->can == PAGE_UNKNOWN) && may_show_object(s))
		object_neighbours_may(p, s);
	if ((s->region.flags & REGION_UNSURE) || state.lost || state.guard)
		return;
	/* A copy that may have been made shows no more what the object becomes. */
	if (write && s->shows_object && !(s->region.flags & REGION_SHARED))
		state = (struct page_state){.content = content_unknown()};
	if (write || s->shows_object) {
		state.high = 1;
		state_put(p, s->start, s->end, &state);
		block_may(p, s);
	}
}

static void populate_segment(struct pages *p, const struct segment *s, bool write)
{
	bool shared = s->region.object && (s->region.flags & REGION_SHARED);

	/* A page that MADV_FREE let go may be gone or not, as before. */
	if (write && shared)
		map_object(p, s);
	else if (write)
		fault_write(p, s, &s->content);
	else
		fault_read(p, s);
}

void populate(struct pages *p, struct page_range r, bool write, bool surely)
{
	struct segment s;

	for (uint64_t at = r.start; at < r.end; at = s.end) {
		segment_at(p, at, r.end, &s);
		if (!s.mapped)
			continue;
		if (surely && segment_populates(&s, write)) {
			populate_segment(p, &s, write);
		} else {
			populate_maybe(p, &s, write);
		}
	}
}

/* Private pages that may be written get copies; others are read. */
void populate_locked(struct pages *p, struct page_range r, bool surely)
{
	struct region region;
	struct run run;

	if (p->options.wrong == PAGES_MLOCK_POPULATES)
		return;
	for (uint64_t at = r.start; region_find(p, at, r.end, &run, &region); at = run.end) {
		bool write = (region.flags & (REGION_WRITE | REGION_SHARED)) == REGION_WRITE;
		struct page_range part = {run.start, run.end};
		bool unsure = region.flags & (REGION_MAY_BE_LOCKED | REGION_PROT_UNSURE);

		if ((region.flags & REGION_PROT_UNSURE) && !(region.flags & REGION_SHARED))
			write = true;
		populate(p, part, write, surely && !unsure);
	}
}

void huge_spread(struct pages *p, uint64_t start, uint64_t end)
{
	uint64_t block = huge_pages(p), to = block_end(end, block);
	struct page_state state;
	struct segment s;
	struct run run;

	if (!p->options.thp_always && !p->huge_advised)
		return;
	for (uint64_t at = block_start(start, block); state_find(p, at, to, &run, &state);
	     at = most(run.end, s.end)) {
		segment_at(p, run.start, run.end, &s);
		if (s.mapped && (state.low || state.high))
			block_may(p, &s);
	}
}
