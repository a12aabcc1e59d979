#include "allocators/guard/fence_run.h"

#define REFUSALS_MAX 2 /* by these a retry ends: what is stuck must not hide the others */

/* Runs that were retired and could not be closed, linked like the quarantine. */
static struct run *stuck, **stuck_end = &stuck;

/* The records of blocks that began behind the first of these pages would claim pages of another. */
static struct run *record_new(struct chunk *c, unsigned page, size_t pages)
{
	for (unsigned i = 1; i < pages && !c->single; i++)
		c->runs[page + i].state = RUN_NONE;
	struct run *r = &c->runs[c->single ? 0 : page];

	*r = (struct run){.chunk = c, .page = (uint16_t)page, .pages = pages, .state = RUN_LIVE};
	c->used++;
	return r;
}

static void stick(struct run *r)
{
	r->next = NULL;
	*stuck_end = r;
	stuck_end = &r->next;
}

static struct run *unstick(void)
{
	struct run *r = stuck;

	stuck = r->next;
	if (!stuck)
		stuck_end = &stuck;
	return r;
}

/* Whether the run is gone: closed, and its pages free for others. */
static bool run_end_of(struct run *r)
{
	struct chunk *c = r->chunk;

	if (!c->single) {
		if (!r->closed)
			run_close(r);
		if (!r->closed)
			return false;
		chunk_put(c, r->page, (unsigned)r->pages + 1);
	}
	if (--c->used == 0 && chunk_release(c))
		chunk_retry(REFUSALS_MAX);
	return true;
}

/* What is refused again goes to the end, so that each comes to its turn. */
static void stuck_retry(size_t refusals)
{
	struct run *last = stuck ? RING_OWNER(stuck_end, struct run, next) : NULL, *r = NULL;

	while (r != last && refusals) {
		r = unstick();
		if (run_end_of(r))
			continue;
		stick(r);
		refusals--;
	}
}

void run_close(struct run *r)
{
	if (!r->closed)
		r->closed = chunk_close(r->chunk, run_start(r), r->pages * OS_PAGE);
}

void run_retire(struct run *r, enum run_state state)
{
	r->state = (uint8_t)state;
	stuck_retry(REFUSALS_MAX);
	if (!run_end_of(r))
		stick(r);
}

static struct run *run_new_shared(size_t pages)
{
	unsigned page;
	struct chunk *c = chunk_shared((unsigned)pages + 1, &page);

	if (!c)
		return NULL;
	chunk_take(c, page, (unsigned)pages + 1);
	struct run *r = record_new(c, page, pages);

	if (chunk_open(c, run_start(r), pages * OS_PAGE))
		return r;
	run_retire(r, RUN_NONE);
	return NULL;
}

static struct run *run_new_single(size_t pages, size_t align)
{
	struct chunk *c = chunk_single(pages, align);

	return c ? record_new(c, 1, pages) : NULL;
}

struct run *run_new(size_t size, size_t align)
{
	size_t pages = size / OS_PAGE + (size % OS_PAGE != 0);
	bool shared = pages <= SHARED_PAGES_MAX && align <= OS_PAGE;
	struct run *r = shared ? run_new_shared(pages) : run_new_single(pages, align);

	if (!r)
		return NULL;
	r->size = size;
	r->p = (run_end(r) - size) & ~(uintptr_t)(align - 1);
	if (!shared)
		chunk_rename(r->chunk, r->p);
	return r;
}

void run_shrink(struct run *r, size_t size)
{
	r->size = size;
	uintptr_t end = run_slack_end(r);
	size_t pages = (end - run_start(r)) / OS_PAGE, tail = r->pages - pages;

	if (!tail || !chunk_close(r->chunk, end, tail * OS_PAGE))
		return;
	r->pages = pages;
	if (!r->chunk->single)
		chunk_put(r->chunk, r->page + (unsigned)pages + 1, (unsigned)tail);
}

struct run *run_at(uintptr_t p)
{
	struct chunk *c = chunk_of(p);

	if (!c || p < c->first)
		return NULL;
	struct run *r = &c->runs[c->single ? 0 : (p - c->first) / OS_PAGE];

	return r->state != RUN_NONE && r->p == p ? r : NULL;
}

/* How far the address lies from the block; 0: inside. */
static uintptr_t run_distance(const struct run *r, uintptr_t address)
{
	if (address < r->p)
		return r->p - address;
	return address < r->p + r->size ? 0 : address - (r->p + r->size) + 1;
}

/* The last record at or before this page, or the first behind it. */
static struct run *record_before(struct chunk *c, unsigned page)
{
	while (page > 0 && c->runs[page].state == RUN_NONE)
		page--;
	return page ? &c->runs[page] : NULL;
}

static struct run *record_behind(struct chunk *c, unsigned page)
{
	while (page < CHUNK_PAGES && c->runs[page].state == RUN_NONE)
		page++;
	return page < CHUNK_PAGES ? &c->runs[page] : NULL;
}

struct run *run_near(uintptr_t address, bool *ret_ours)
{
	struct chunk *c = chunk_around(address);

	*ret_ours = c;
	if (!c)
		return NULL;
	if (c->single)
		return c->runs[0].state != RUN_NONE ? &c->runs[0] : NULL;
	size_t page = address > c->first ? (address - c->first) / OS_PAGE : 0;

	if (page >= CHUNK_PAGES)
		page = CHUNK_PAGES - 1;
	struct run *before = record_before(c, (unsigned)page);
	struct run *behind = record_behind(c, (unsigned)page + 1);

	if (!before || !behind)
		return before ? before : behind;
	return run_distance(before, address) <= run_distance(behind, address) ? before : behind;
}

bool run_trim(void)
{
	stuck_retry(SIZE_MAX);
	bool went = chunk_retry(SIZE_MAX);

	return chunk_settle_all() | went;
}
