#include "allocators/guard/slab.h"

#include <limits.h>
#include <stdatomic.h>

#define ADDRESS_BITS 47 /* what mmap hands out unasked, on x86-64 */
#define CHUNKS	     ((size_t)1 << (ADDRESS_BITS - 20))

/*
 * Bins by the longest run of free pages: 0 none, 1 one page, 2 two and three, ... 8 from 128 on;
 * the last one holds slabs without any span, which there are only after a refused munmap.
 */
#define BIN_EMPTY 9
#define BINS	  10
#define BIN_PROBE 4 /* slabs to try in the bin that holds runs both too short and long enough */

#define REFUSALS_MAX 2 /* by these a retry ends: one stuck slab must not hide the others */

struct lock slab_lock;

/* 16 MiB of .bss, of which one page is touched per 32 GiB of address space in use. */
static _Atomic uint64_t chunk_is_slab[CHUNKS / 64];
static struct slab *bins[BINS];
static struct slab *retry_from; /* in BIN_EMPTY: where the next retry begins; NULL: at the front */
static struct area unwanted;	/* mapped but not made accessible, and not taken back */
static uintptr_t next_slab;	/* where the next one is tried first; 0: anywhere */

struct slab *slab_at(uintptr_t p)
{
	uintptr_t chunk = p / SLAB_BYTES;

	if (chunk >= CHUNKS)
		return NULL;
	uint64_t word = atomic_load_explicit(&chunk_is_slab[chunk / 64], memory_order_acquire);

	return word >> (chunk % 64) & 1 ? (struct slab *)(chunk * SLAB_BYTES) : NULL;
}

static void chunk_mark(const struct slab *slab, bool is_slab)
{
	uintptr_t chunk = (uintptr_t)slab / SLAB_BYTES;
	uint64_t bit = (uint64_t)1 << (chunk % 64);

	if (is_slab)
		atomic_fetch_or_explicit(&chunk_is_slab[chunk / 64], bit, memory_order_release);
	else
		atomic_fetch_and_explicit(&chunk_is_slab[chunk / 64], ~bit, memory_order_release);
}

static bool map_test(const struct page_map *m, unsigned page)
{
	return m->bits[page / 64] >> (page % 64) & 1;
}

static void map_set(struct page_map *m, unsigned first, unsigned pages, bool value)
{
	for (unsigned page = first; page < first + pages; page++) {
		uint64_t bit = (uint64_t)1 << (page % 64);

		if (value)
			m->bits[page / 64] |= bit;
		else
			m->bits[page / 64] &= ~bit;
	}
}

/* First page >= from whose bit has this value, or SLAB_PAGES. */
static unsigned map_find(const struct page_map *m, unsigned from, bool value)
{
	for (unsigned w = from / 64; w < SLAB_PAGES / 64; w++) {
		uint64_t word = value ? m->bits[w] : ~m->bits[w];

		if (w == from / 64)
			word &= ~(uint64_t)0 << (from % 64);
		if (word)
			return w * 64 + (unsigned)__builtin_ctzl(word);
	}
	return SLAB_PAGES;
}

/* The next run of set bits from *page on: its first page into *page. Returns its length, or 0. */
static unsigned map_next_run(const struct page_map *m, unsigned *page)
{
	*page = map_find(m, *page, true);
	return *page == SLAB_PAGES ? 0 : map_find(m, *page, false) - *page;
}

static unsigned map_count(const struct page_map *m)
{
	unsigned n = 0;

	for (unsigned w = 0; w < SLAB_PAGES / 64; w++)
		n += (unsigned)__builtin_popcountl(m->bits[w]);
	return n;
}

/* First page of the first run of that many free pages; 0 if there is none. */
static unsigned slab_find_run(const struct slab *slab, unsigned pages)
{
	unsigned n;

	for (unsigned at = 0; (n = map_next_run(&slab->free, &at)); at += n) {
		if (n >= pages)
			return at;
	}
	return 0;
}

static unsigned log2_floor(unsigned n)
{
	return 31 - (unsigned)__builtin_clz(n);
}

static unsigned slab_bin(const struct slab *slab)
{
	unsigned longest = 0, n;

	if (slab->free_pages == DATA_PAGES)
		return BIN_EMPTY;
	for (unsigned at = 0; (n = map_next_run(&slab->free, &at)); at += n)
		longest = n > longest ? n : longest;
	return longest ? 1 + log2_floor(longest) : 0;
}

static void bin_insert(struct slab *slab)
{
	struct slab **head = &bins[slab->bin = slab_bin(slab)];

	slab->prev = NULL;
	slab->next = *head;
	if (*head)
		(*head)->prev = slab;
	*head = slab;
}

static void bin_remove(struct slab *slab)
{
	if (slab == retry_from)
		retry_from = slab->next;
	if (slab->prev)
		slab->prev->next = slab->next;
	else
		bins[slab->bin] = slab->next;
	if (slab->next)
		slab->next->prev = slab->prev;
}

/* At most one range is unwanted at a time: it is used before another one is mapped. */
static int slab_map(struct area *ret_area, uintptr_t *ret_start)
{
	const struct area_want want = {.len = SLAB_BYTES, .align = SLAB_BYTES, .at = next_slab};

	if (unwanted.map_len && area_release(&unwanted) != 0) {
		if (!area_fits(&unwanted, &want, ret_start) ||
		    area_open(&unwanted, *ret_start, SLAB_BYTES) != 0)
			return -1;
		*ret_area = unwanted;
		unwanted.map_len = 0;
		return 0;
	}
	int err = area_map(ret_area, &want);

	if (err)
		unwanted = *ret_area;
	else
		*ret_start = ret_area->start;
	return err;
}

static struct slab *slab_new(void)
{
	struct area area;
	uintptr_t start;

	if (slab_map(&area, &start) != 0)
		return NULL;
	if (start >= (uintptr_t)CHUNKS * SLAB_BYTES) {
		if (area_release(&area) != 0)
			unwanted = area;
		return NULL;
	}
	struct slab *slab = (struct slab *)start;

	/* Separator and alignment make the stride 2 MiB; downwards, as the kernel itself goes. */
	next_slab = start > 2 * SLAB_BYTES ? start - 2 * SLAB_BYTES : 0;
	slab->area = area;
	slab->free_pages = DATA_PAGES;
	map_set(&slab->free, HEADER_PAGES, DATA_PAGES, true);
	chunk_mark(slab, true);
	bin_insert(slab);
	return slab;
}

static struct slab *slab_with_run(unsigned pages, bool may_map)
{
	unsigned sure = 1 + log2_floor(pages) + ((pages & (pages - 1)) != 0);

	if (pages & (pages - 1)) {
		struct slab *slab = bins[sure - 1];

		for (int tries = 0; slab && tries < BIN_PROBE; tries++, slab = slab->next) {
			if (slab_find_run(slab, pages))
				return slab;
		}
	}
	for (unsigned bin = sure; bin < BINS; bin++) {
		if (bins[bin])
			return bins[bin];
	}
	return may_map ? slab_new() : NULL;
}

/* Marks a run as in use. Whether all of it reads zero. */
static bool slab_occupy(struct slab *slab, unsigned first, unsigned pages)
{
	unsigned dirty = 0;

	bin_remove(slab);
	for (unsigned page = first; page < first + pages; page++) {
		dirty += map_test(&slab->dirty, page);
		slab->spans[page].first = (uint8_t)first;
	}
	map_set(&slab->free, first, pages, false);
	map_set(&slab->dirty, first, pages, false);
	slab->free_pages -= pages;
	slab->dirty_pages -= dirty;
	if (slab->stuck_pages > slab->dirty_pages)
		slab->stuck_pages = slab->dirty_pages;
	bin_insert(slab);
	return dirty == 0;
}

struct span *slab_span_new(unsigned pages, bool may_map, bool *ret_zero)
{
	struct span *span = NULL;

	lock_take(&slab_lock);
	struct slab *slab = slab_with_run(pages, may_map);

	if (slab) {
		unsigned first = slab_find_run(slab, pages);

		*ret_zero = slab_occupy(slab, first, pages);
		span = &slab->spans[first];
		span->pages = (uint8_t)pages;
	}
	lock_drop(&slab_lock);
	return span;
}

/* Gives the free pages back that may be resident. */
static void slab_purge(struct slab *slab)
{
	unsigned n;

	for (unsigned at = 0; (n = map_next_run(&slab->dirty, &at)); at += n) {
		if (os_purge((uintptr_t)slab + at * OS_PAGE, n * OS_PAGE) == 0) {
			map_set(&slab->dirty, at, n, false);
			slab->dirty_pages -= n;
		}
	}
	slab->stuck_pages = slab->dirty_pages;
}

/* Gives the edges back that were refused when the slab was made. */
static void slab_settle(struct slab *slab)
{
	if (!area_is_settled(&slab->area, (uintptr_t)slab, SLAB_BYTES))
		area_settle(&slab->area, (uintptr_t)slab, SLAB_BYTES);
}

/* Unmaps a slab without spans that is in no bin. Whether it is gone; else it is back in a bin. */
static bool slab_release(struct slab *slab)
{
	struct area area = slab->area; /* the header goes with the slab */

	chunk_mark(slab, false);
	if (area_release(&area) == 0) {
		next_slab = (uintptr_t)slab;
		return true;
	}
	chunk_mark(slab, true);
	slab_purge(slab);
	bin_insert(slab);
	return false;
}

/* What is refused again goes to the front of its bin, behind where the next retry begins. */
static bool retry_to_end(unsigned *refusals)
{
	struct slab *slab = retry_from ? retry_from : bins[BIN_EMPTY];
	bool gone = false;

	while (slab && *refusals) {
		struct slab *next = slab->next;

		bin_remove(slab);
		if (slab_release(slab))
			gone = true;
		else
			--*refusals;
		slab = next;
	}
	retry_from = slab;
	return gone;
}

static bool retry(unsigned refusals)
{
	bool gone = unwanted.map_len && area_release(&unwanted) == 0;

	if (retry_from)
		gone |= retry_to_end(&refusals);
	return gone | retry_to_end(&refusals);
}

bool slab_retry(void)
{
	bool gone = false;

	lock_take(&slab_lock);
	if (bins[BIN_EMPTY] || unwanted.map_len)
		gone = retry(REFUSALS_MAX);
	lock_drop(&slab_lock);
	return gone;
}

bool slab_span_free(struct span *s)
{
	struct slab *slab = slab_of(s);
	unsigned first = s->first, pages = s->pages;
	bool gone = false;

	lock_take(&slab_lock);
	bin_remove(slab);
	for (unsigned page = first; page < first + pages; page++)
		slab->spans[page].first = 0;
	map_set(&slab->free, first, pages, true);
	map_set(&slab->dirty, first, pages, true);
	slab->free_pages += pages;
	slab->dirty_pages += pages;
	if (slab->free_pages == DATA_PAGES) {
		gone = slab_release(slab);
	} else {
		if (slab->dirty_pages >= slab->stuck_pages + DIRTY_PAGES_MAX) {
			slab_purge(slab);
			slab_settle(slab);
		}
		bin_insert(slab);
	}
	lock_drop(&slab_lock);
	return gone;
}

/* The pages that a live block of the span lies on. */
static void span_live_pages(const struct span *s, struct page_map *live)
{
	size_t size = s->size;
	const uint64_t *used = span_used(s);

	for (unsigned i = 0; i < s->blocks; i++) {
		if (!(used[i / 64] >> (i % 64) & 1))
			continue;
		unsigned from = (unsigned)(i * size / OS_PAGE);
		unsigned to = (unsigned)(((i + 1) * size - 1) / OS_PAGE);

		map_set(live, s->first + from, to - from + 1, true);
	}
}

static bool slab_trim_one(struct slab *slab)
{
	struct page_map idle = {0};
	size_t map_len = slab->area.map_len;
	unsigned n;

	slab_settle(slab);
	bool went = slab->area.map_len < map_len;

	map_set(&idle, 0, HEADER_PAGES, true);
	for (unsigned page = HEADER_PAGES; page < SLAB_PAGES; page++) {
		if (slab->spans[page].first == page)
			span_live_pages(&slab->spans[page], &idle);
	}
	for (unsigned w = 0; w < SLAB_PAGES / 64; w++)
		idle.bits[w] = ~idle.bits[w];
	for (unsigned at = 0; (n = map_next_run(&idle, &at)); at += n) {
		uintptr_t from = (uintptr_t)slab + at * OS_PAGE;

		bool resident = os_is_resident(from, n * OS_PAGE);

		if (os_purge(from, n * OS_PAGE) == 0) {
			map_set(&slab->dirty, at, n, false);
			went |= resident;
		}
	}
	slab->dirty_pages = slab->stuck_pages = map_count(&slab->dirty);
	return went;
}

bool slab_trim(void)
{
	retry_from = NULL;
	bool went = retry(UINT_MAX);

	for (unsigned bin = 0; bin < BINS; bin++) {
		for (struct slab *slab = bins[bin]; slab; slab = slab->next)
			went |= slab_trim_one(slab);
	}
	return went;
}
