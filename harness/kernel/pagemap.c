#include "harness/kernel/pagemap.h"

#include <errno.h>
#include <linux/ioctl.h>
#include <linux/types.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/kernel/proc.h"

/*
 * The kernel collects so many at a time. Asked for more, it may say that it stopped where it paused
 * in between although it went on to the end (6.18), and the rest would be counted twice.
 */
#define REGIONS	     512
#define ENTRIES	     8192
#define BUFFER_BYTES (ENTRIES * sizeof(uint64_t))

/* Bits of an entry of /proc/self/pagemap (Documentation/admin-guide/mm/pagemap.rst). */
#define ENTRY_PRESENT (UINT64_C(1) << 63)
#define ENTRY_PFN     ((UINT64_C(1) << 55) - 1)

/* The kernel's PAGEMAP_SCAN interface (PAGEMAP_SCAN(2const)), which older headers lack. */
struct scan_region {
	__u64 start, end, categories;
};

struct scan_arg {
	__u64 size, flags, start, end, walk_end;
	__u64 vec, vec_len, max_pages;
	__u64 category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define SCAN_IOCTL   _IOWR('f', 16, struct scan_arg)
#define SCAN_PRESENT (1 << 3)
#define SCAN_PFNZERO (1 << 5)
#define SCAN_HUGE    (1 << 6)

_Static_assert(sizeof(struct scan_arg) == 96, "size is part of the ioctl number");
_Static_assert(REGIONS * sizeof(struct scan_region) <= BUFFER_BYTES, "both fit one buffer");

/* Resident pages of `span`, `max_pages` at most (0: all). The number of regions or -errno. */
static int scan(const struct pagemap *pm, struct span span, uint64_t max_pages,
		uintptr_t *ret_walk_end)
{
	struct scan_arg arg = {
		.size = sizeof(arg),
		.start = span.start,
		.end = span.end,
		.vec = (uintptr_t)pm->buf,
		.vec_len = REGIONS,
		.max_pages = max_pages,
		.category_inverted = SCAN_PFNZERO,
		.category_mask = SCAN_PRESENT | SCAN_PFNZERO,
		.return_mask = SCAN_PRESENT | SCAN_HUGE,
	};
	int n;

	do
		n = ioctl(pm->fd, SCAN_IOCTL, &arg);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	*ret_walk_end = arg.walk_end;
	return n;
}

static int scan_span(const struct pagemap *pm, struct span span, struct resident *r)
{
	const struct scan_region *region = pm->buf;

	while (span.start < span.end) {
		uintptr_t walk_end = span.start;
		int n = scan(pm, span, 0, &walk_end);

		if (n < 0)
			return n;
		for (int i = 0; i < n; i++) {
			r->pages += (region[i].end - region[i].start) / pm->page;
			r->huge |= (region[i].categories & SCAN_HUGE) != 0;
		}
		if (n && walk_end < region[n - 1].end)
			walk_end = region[n - 1].end;
		if (walk_end <= span.start)
			return -EIO;
		span.start = walk_end;
	}
	return 0;
}

static int count_by_scan(const struct pagemap *pm, const struct exclusions *ex, struct resident *r)
{
	struct exclusions_cursor cursor = {.ex = ex};
	struct span all = {0, pm->top}, part;

	while (exclusions_next_owned(&cursor, &all, &part)) {
		int err = scan_span(pm, part, r);

		if (err)
			return err;
	}
	return 0;
}

static int read_span(const struct pagemap *pm, struct span span, struct resident *r)
{
	const uint64_t *entry = pm->buf;

	while (span.start < span.end) {
		uint64_t want = (span.end - span.start) / pm->page * sizeof(*entry);
		uint64_t offset = span.start / pm->page * sizeof(*entry);

		if (want > BUFFER_BYTES)
			want = BUFFER_BYTES;
		ssize_t n = proc_pread(pm->fd, pm->buf, want, offset);

		if (n < (ssize_t)sizeof(*entry))
			return n < 0 ? (int)n : -EIO;
		size_t entries = (size_t)n / sizeof(*entry);

		for (size_t i = 0; i < entries; i++)
			r->pages += (entry[i] & ENTRY_PRESENT) &&
				    (!pm->zero_pfn || (entry[i] & ENTRY_PFN) != pm->zero_pfn);
		span.start += entries * pm->page;
	}
	return 0;
}

struct read_walk {
	const struct pagemap *pm;
	struct exclusions_cursor cursor;
	struct resident *resident;
};

static void read_begin(void *ctx)
{
	struct read_walk *w = ctx;

	w->cursor.at = 0;
	*w->resident = (struct resident){.huge = true}; /* cannot be told: may be */
}

static int read_vma(void *ctx, const struct vma *found)
{
	struct read_walk *w = ctx;
	struct span range = {found->start, found->end}, part;

	while (exclusions_next_owned(&w->cursor, &range, &part)) {
		int err = read_span(w->pm, part, w->resident);

		if (err)
			return err;
	}
	return 0;
}

static int count_by_reading(const struct pagemap *pm, const struct maps_reader *maps,
			    const struct exclusions *ex, struct resident *r)
{
	struct read_walk w = {.pm = pm, .cursor = {.ex = ex}, .resident = r};

	return maps_walk(maps, &(struct maps_visitor){read_begin, read_vma, &w});
}

/* The kernel refuses a scan that ends behind user space, and user space differs. */
static uintptr_t probe_scan(const struct pagemap *pm)
{
	static const unsigned bits[] = {56, 52, 48, 47};

	for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++) {
		uintptr_t top = ((uintptr_t)1 << bits[i]) - pm->page, walk_end;

		if (scan(pm, (struct span){0, top}, 1, &walk_end) >= 0)
			return top;
	}
	return 0;
}

/* The frame that a read of untouched memory maps; 0 when the kernel hides it. */
static uint64_t probe_zero_pfn(const struct pagemap *pm)
{
	uint64_t entry = 0;
	unsigned char *p =
		mmap(NULL, pm->page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return 0;
	(void)*(volatile unsigned char *)p;
	if (proc_pread(pm->fd, &entry, sizeof(entry), (uintptr_t)p / pm->page * sizeof(entry)) !=
		    sizeof(entry) ||
	    !(entry & ENTRY_PRESENT))
		entry = 0;
	munmap(p, pm->page);
	return entry & ENTRY_PFN;
}

size_t pagemap_arena_bytes(void)
{
	return BUFFER_BYTES;
}

int pagemap_init(struct pagemap *pm, struct arena *a, int fd)
{
	*pm = (struct pagemap){.fd = fd, .page = (uint64_t)sysconf(_SC_PAGESIZE)};
	pm->buf = arena_take(a, BUFFER_BYTES, 4096);
	if (!pm->buf)
		return -ENOMEM;
	if (fd < 0)
		return 0;
	pm->top = probe_scan(pm);
	pm->zero_pfn = probe_zero_pfn(pm);
	pm->method = pm->top ? RSS_PAGEMAP_SCAN : RSS_PAGEMAP;
	return 0;
}

int pagemap_count(const struct pagemap *pm, const struct maps_reader *maps,
		  const struct exclusions *ex, struct resident *ret_resident)
{
	struct resident r = {0};
	int err = -ENOTSUP;

	if (pm->method == RSS_PAGEMAP_SCAN)
		err = count_by_scan(pm, ex, &r);
	else if (pm->method == RSS_PAGEMAP)
		err = count_by_reading(pm, maps, ex, &r);
	if (!err)
		*ret_resident = r;
	return err;
}

int pagemap_count_span(const struct pagemap *pm, struct span span, struct resident *ret_resident)
{
	struct resident r = {0};
	int err = -ENOTSUP;

	if (pm->method == RSS_PAGEMAP_SCAN)
		err = scan_span(pm, span, &r);
	else if (pm->method == RSS_PAGEMAP)
		err = read_span(pm, span, &r);
	if (!err)
		*ret_resident = r;
	return err;
}
