/*
 * pages_internal.h - the insides of the page model, shared by the files pages_*.c.
 *
 * All numbers are pages, all ranges half-open; `page` is an address divided by the page size. Three
 * maps of runs:
 *	regions	 by address, this process's own: what is mapped and how;
 *	states	 by address, this process's own: pages that were faulted in, or guarded, or of which
 *		 something is not known. Where a region has no state, nothing was faulted in: it
 *		 reads zero, or what its object holds;
 *	content	 by object and page of it, shared by all processes. What is missing is zero.
 *
 * No value says where its run begins: places are kept as differences, so that runs can be split,
 * joined and moved.
 */
#ifndef ORACLE_PAGES_INTERNAL_H
#define ORACLE_PAGES_INTERNAL_H

#include "harness/base/run_map.h"
#include "harness/oracle/pages.h"

#define PAGES_NO_END   UINT64_MAX
#define OBJECTS_MAX    ((UINT32_C(1) << 20) - 1)
#define DROPS_KEPT     64
#define PROCESSES_KEPT 64
#define DYING_KEPT     16

struct page_range {
	uint64_t start, end;
};

/*
 * What the first word of a page holds: plus, added to the word that touch number `stamp` wrote at
 * page - delta (0: to nothing). As keys of joins all bytes count, so there is no padding.
 */
struct page_content {
	uint64_t delta, plus;
	uint32_t stamp;
	uint8_t unknown;
	uint8_t lazy; /* MADV_FREE: or zero */
	uint8_t pad[2];
};

struct page_state {
	struct page_content content; /* of a private page; zero where `view` */
	uint8_t view;		     /* shows the page of the region's object */
	uint8_t guard;
	uint8_t lost;	   /* what an access does is not known */
	uint8_t low, high; /* resident: surely, maybe */
	uint8_t pad[3];
};

enum region_flags {
	REGION_READ = 1,
	REGION_WRITE = 2,
	REGION_EXEC = 4,
	REGION_PROT = REGION_READ | REGION_WRITE | REGION_EXEC,
	REGION_SHARED = 1 << 3,
	REGION_FILE = 1 << 4, /* came from a descriptor, /dev/zero too */
	REGION_DONTFORK = 1 << 5,
	REGION_WIPEONFORK = 1 << 6,
	REGION_FORK_UNSURE = 1 << 7, /* which of the two it has is not known */
	REGION_LOCKED = 1 << 8,
	REGION_MAY_BE_LOCKED = 1 << 9,
	REGION_HUGE = 1 << 10,	/* huge pages may come */
	REGION_LOOSE = 1 << 11, /* the kernel may take its pages at any time (MADV_MERGEABLE) */
	REGION_GROWS = 1 << 12,
	REGION_PROT_UNSURE = 1 << 13,
	REGION_UNSURE = 1 << 14, /* nothing is known, not even whether it is there */
	REGION_ALIEN = 1 << 15	 /* with UNSURE: it may show any object */
};

struct region {
	uint64_t delta;	 /* page of the object = page - delta */
	uint32_t object; /* 0: none: private anonymous */
	uint32_t flags;
};

struct page_object {
	uint64_t bytes;
	uint32_t generation, next_free;
	unsigned proc; /* that made it */
	uint8_t live;
	uint8_t unknown;      /* what no run says is not zero but unknown */
	uint8_t untrusted;    /* a mapping of it was forgotten: never known again */
	uint8_t size_unknown; /* nor what an access does */
	uint8_t reclaimable;
};

/* Pages of an object were taken out of all mappings, by whatever process. */
struct page_drop {
	uint32_t object;
	bool copies; /* private copies too (truncate) */
	bool maybe;  /* or they were not */
	uint64_t start, end;
};

struct page_process {
	unsigned proc, parent;
	bool used;
};

struct pages_shared {
	struct run_map *content;
	struct page_object *objects; /* [capacity]; number of the first: 1 */
	uint32_t capacity, fresh, free;
	uint32_t stamps;
	uint64_t drops;
	struct page_drop drop[DROPS_KEPT];
	struct page_process process[PROCESSES_KEPT];
	bool process_lost; /* one did not fit: objects are kept for ever */
};

/* Pages of the object that this process maps, and whether its program may still map it. */
struct object_use {
	uint64_t mapped;
	bool held;
};

/* What is so at one page, and up to where. */
struct segment {
	uint64_t start, end;
	bool mapped, has_state;
	struct region region;
	struct page_state state;
	enum page_can can;
	bool shows_object;
	struct page_content content; /* that a read finds, in places of the address space */
};

struct pages {
	struct pages_options options;
	struct run_map *regions, *states;
	struct pages_shared *shared;
	struct object_use *uses; /* [shared->capacity] */
	uint64_t low, high;	 /* resident pages */
	uint64_t drops_seen;
	unsigned proc;
	bool huge_advised;	    /* some region has or had REGION_HUGE */
	uint32_t dying[DYING_KEPT]; /* objects that nothing maps any more */
	uint32_t ndying;	    /* more than DYING_KEPT: look at all */
	/* Touches since the stamp was taken lie in [touched_start, touched_end). */
	uint32_t stamp;
	uint64_t touched_start, touched_end;
	struct {
		bool active;
		struct page_access access;
		struct segment segment;
		struct page_content written;
		volatile uint64_t at;
	} now;
};

/* The aligned block of pages around `page`; block_end: around the one before it. */
static inline uint64_t block_start(uint64_t page, uint64_t block)
{
	return page - page % block;
}

static inline uint64_t block_end(uint64_t page, uint64_t block)
{
	uint64_t over = page % block;

	return over ? page - over + block : page;
}

static inline uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* ---- words (pages_content.c) ---- */

uint64_t content_word(const struct pages *p, const struct page_content *c, uint64_t page);
struct page_content content_unknown(void);
/* The same content `by` pages further up. */
struct page_content content_moved(const struct page_content *c, uint64_t by);
bool content_is_zero(const struct page_content *c);

/* ---- objects (pages_objects.c) ---- */

/* NULL: of no object, or of one that is gone. */
struct page_object *object_of(const struct pages *p, uint32_t object);
/* This process maps so many pages more (fewer) of it. */
void object_used(struct pages *p, uint32_t object, int64_t pages);
uint32_t object_new(struct pages *p, uint64_t bytes, bool held);
/* Number of pages that have at least a byte in the object. */
uint64_t object_pages(const struct pages *p, const struct page_object *o);
struct page_content object_content(const struct pages *p, uint32_t object, uint64_t page,
				   uint64_t *end);
void object_put(struct pages *p, uint32_t object, struct page_range r, struct page_content c);
/* Its pages leave all mappings, of this process now, of others when they look (pages_sync). */
void object_drop_pages(struct pages *p, const struct page_drop *d);
void drop_anything(struct pages *p);
/* What other processes dropped since this one looked. */
void pages_sync(struct pages *p);
/* Frees what nothing uses any more. */
void objects_settle(struct pages *p);
void objects_sweep(struct pages *p);
/* The process that made them is gone. */
void objects_orphaned(struct pages *p, unsigned proc);
/* A process was killed, maybe in the middle of a change: nothing is known of any object. */
void objects_cut(struct pages *p);

/* ---- regions and states (pages_regions.c) ---- */

bool region_find(const struct pages *p, uint64_t at, uint64_t end, struct run *ret_run,
		 struct region *ret_region);
bool state_find(const struct pages *p, uint64_t at, uint64_t end, struct run *ret_run,
		struct page_state *ret_state);
/* Maps a run anew: nothing of it is faulted in. */
void region_put(struct pages *p, uint64_t start, uint64_t end, const struct region *r);
void region_cut(struct pages *p, uint64_t start, uint64_t end);
void region_flags(struct pages *p, struct page_range r, uint32_t clear, uint32_t set);
void state_put(struct pages *p, uint64_t start, uint64_t end, const struct page_state *s);
void state_cut(struct pages *p, uint64_t start, uint64_t end);
/* Resident pages may be gone, with their content kept elsewhere. */
void may_leave(struct pages *p, uint64_t start, uint64_t end);
/* The first page of a range that nothing is mapped at, or of which that is not known; or its end.
 */
struct holes {
	uint64_t maybe, sure;
	bool any;
};
struct holes holes_of(const struct pages *p, struct page_range r);
/* Nothing is known of what is mapped there; with `holes` not even whether something is. */
void range_unsure(struct pages *p, uint64_t start, uint64_t end, bool holes);
/* Nothing is known of the content, and the pages may be resident or not. */
void range_unknown_content(struct pages *p, uint64_t start, uint64_t end);
struct page_state state_unsure(void);

/* ---- one page (pages_segment.c) ---- */

/* What is so at `page`, no further than `limit`. */
void segment_at(const struct pages *p, uint64_t page, uint64_t limit, struct segment *ret_segment);
/* The signal of an access that must fail, 0 of one that succeeds. Not for PAGE_UNKNOWN. */
int segment_signal(const struct segment *s, bool write);

/* ---- what accesses leave behind (pages_fault.c) ---- */

void fault_read(struct pages *p, const struct segment *s);
/* The pages hold `c` now. */
void fault_write(struct pages *p, const struct segment *s, const struct page_content *c);
/* A read behind the end of an object fails, but maps the neighbours all the same. */
void fault_behind_end(struct pages *p, const struct segment *s);
/* As mlock, MAP_POPULATE and MADV_POPULATE_* do; `surely` false: as much of it as may be. */
void populate(struct pages *p, struct page_range r, bool write, bool surely);
/* The same with reads and writes as mlock chooses by the region. */
void populate_locked(struct pages *p, struct page_range r, bool surely);
/* Where huge pages may come, the neighbours of resident pages may be resident too. */
void huge_spread(struct pages *p, uint64_t start, uint64_t end);

/* ---- calls ---- */

/*
 * The pages of an address and a length that is rounded up; false when nothing can have happened:
 * it is empty, unaligned or wraps.
 */
bool range_of_call(const struct pages *p, uint64_t address, uint64_t len,
		   struct page_range *ret_range);

void follow_mremap(struct pages *p, const struct pages_call *c);
void follow_madvise(struct pages *p, const struct pages_call *c);

#endif
