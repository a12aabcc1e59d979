#include "harness/prog/emit/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/prog/emit/calls.h"
#include "harness/prog/emit/say.h"
#include "harness/prog/emit/vmas.h"

/* The kernel's PAGEMAP_SCAN (Linux 6.7), which older headers lack. */
struct scan_region {
	uint64_t start, end, categories;
};

struct scan_arg {
	uint64_t size, flags, start, end, walk_end;
	uint64_t vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define SCAN_IOCTL   _IOWR('f', 16, struct scan_arg)
#define SCAN_PRESENT (1 << 3)
#define SCAN_PFNZERO (1 << 5)
#define SCAN_HUGE    (1 << 6)
#define SCAN_REGIONS 512

/* An entry of /proc/self/pagemap. */
#define ENTRY_PRESENT (UINT64_C(1) << 63)
#define ENTRY_PFN     ((UINT64_C(1) << 55) - 1)
#define ENTRIES	      512

/* What all looks at peaks between statements may cost, in lines of /proc/self/maps. */
#define LOOKS_MAX (4l << 20)

struct numbers {
	int64_t maps, mapped, rss;
};

static struct numbers start, peak;
static pid_t first_process;
static uint64_t zero_pfn;
static long looks;

struct tally {
	struct numbers n;
	int fd; /* pagemap; -1: resident bytes are not wanted */
	bool by_scan, is_huge, has_failed;
	long lines;
};

/* Returns the pages that are resident, the shared page of zeroes not among them. */
static uint64_t scan(struct tally *t, uint64_t at, uint64_t end)
{
	static struct scan_region region[SCAN_REGIONS];
	uint64_t pages = 0;

	while (at < end && t->by_scan) {
		struct scan_arg arg = {
			.size = sizeof(arg),
			.start = at,
			.end = end,
			.vec = (uintptr_t)region,
			.vec_len = SCAN_REGIONS,
			.category_inverted = SCAN_PFNZERO,
			.category_mask = SCAN_PRESENT | SCAN_PFNZERO,
			.return_mask = SCAN_PRESENT | SCAN_HUGE,
		};
		int n = ioctl(t->fd, SCAN_IOCTL, &arg);

		t->by_scan = n >= 0 || errno == EINTR;
		for (int i = 0; i < n; i++) {
			pages += (region[i].end - region[i].start) / PAGE;
			t->is_huge |= (region[i].categories & SCAN_HUGE) != 0;
		}
		if (n >= 0)
			at = n && arg.walk_end < region[n - 1].end ? region[n - 1].end
								   : arg.walk_end;
	}
	return pages;
}

/* The same on older kernels. */
static uint64_t read_entries(struct tally *t, uint64_t at, uint64_t end)
{
	static uint64_t entry[ENTRIES];
	uint64_t pages = 0;

	for (ssize_t n; at < end; at += (uint64_t)n * PAGE) {
		uint64_t want = (end - at) / PAGE < ENTRIES ? (end - at) / PAGE : ENTRIES;

		n = pread(t->fd, entry, want * sizeof(*entry), (off_t)(at / PAGE * sizeof(*entry)));
		n /= (ssize_t)sizeof(*entry);
		t->has_failed |= n <= 0;
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			pages += (entry[i] & ENTRY_PRESENT) &&
				 (!zero_pfn || (entry[i] & ENTRY_PFN) != zero_pfn);
	}
	t->is_huge = true;
	return pages;
}

static int count_vma(void *ctx, const struct vma *v)
{
	struct tally *t = ctx;
	uintptr_t at = v->start, from, to;
	bool is_own = false;

	t->lines++;
	while (vmas_next_owned(&at, v->end, &from, &to)) {
		is_own = true;
		t->n.mapped += (int64_t)(to - from);
		if (t->fd < 0)
			continue;
		uint64_t pages = t->by_scan ? scan(t, from, to) : 0;

		if (!t->by_scan)
			pages = read_entries(t, from, to);
		t->n.rss += (int64_t)(pages * PAGE);
	}
	t->n.maps += is_own;
	return 0;
}

/* A line "Name:   123 kB", as bytes; 0 where there is none. */
static int64_t status_bytes(const char *name)
{
	static char text[8192];
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	long kilobytes = 0;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	const char *line = strstr(text, name);

	if (line)
		sscanf(line + strlen(name), " %ld", &kilobytes);
	return kilobytes * 1024;
}

/* Pages of hugetlbfs are mapped but no RSS. */
static struct numbers measure(bool with_rss)
{
	struct tally t = {.fd = -1, .by_scan = true};

	if (with_rss)
		t.fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	vmas_each(count_vma, &t);
	looks += t.lines;
	if (t.fd >= 0)
		close(t.fd);
	if (t.fd < 0 || t.has_failed)
		t.n.rss = NOT_KNOWN;
	else if (t.is_huge)
		t.n.rss -= status_bytes("HugetlbPages:");
	return t.n;
}

/* The frame that a read of untouched memory maps, where the kernel tells. */
static void find_zero_page(void)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	volatile char *p = mmap(NULL, PAGE, PROT_READ, flags, -1, 0);
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;

	if (p == MAP_FAILED || fd < 0)
		return;
	(void)*p;
	if (pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)p / PAGE * sizeof(entry))) ==
		    sizeof(entry) &&
	    (entry & ENTRY_PRESENT))
		zero_pfn = entry & ENTRY_PFN;
	close(fd);
	munmap((void *)p, PAGE);
}

void metrics_start(void)
{
	first_process = getpid();
	find_zero_page();
	start = peak = measure(true);
}

static void raise_to(int64_t *high, int64_t value)
{
	if (value > *high)
		*high = value;
}

static struct numbers look(bool with_rss)
{
	struct numbers now = measure(with_rss);

	if (getpid() != first_process)
		return now;
	raise_to(&peak.maps, now.maps);
	raise_to(&peak.mapped, now.mapped);
	raise_to(&peak.rss, with_rss ? now.rss : peak.rss);
	return now;
}

int64_t maps(void)
{
	return look(false).maps - start.maps;
}

int64_t mapped(void)
{
	return look(false).mapped - start.mapped;
}

int64_t rss(void)
{
	int64_t now = look(true).rss;

	return now == NOT_KNOWN ? now : now - start.rss;
}

int64_t maps_peak(void)
{
	look(false);
	return peak.maps - start.maps;
}

int64_t mapped_peak(void)
{
	look(false);
	return peak.mapped - start.mapped;
}

int64_t rss_peak(void)
{
	look(true);
	return start.rss == NOT_KNOWN ? NOT_KNOWN : peak.rss - start.rss;
}

int64_t lost(void)
{
	return is_shared_with_allocator ? NOT_KNOWN : 0;
}

static void look_between(void)
{
	if (looks < LOOKS_MAX)
		look(false);
}

void peaks_start(void)
{
	after_call = look_between;
}

void peaks_sample(void)
{
	look(true);
}

void checkpoint(const char *name)
{
	struct numbers now = look(true);
	char text[256];
	int n = snprintf(text, sizeof(text),
			 "%s: maps %" PRId64 ", mapped %" PRId64 ", rss %" PRId64 "\n", name,
			 now.maps - start.maps, now.mapped - start.mapped,
			 now.rss == NOT_KNOWN ? -1 : now.rss - start.rss);

	if (write(STDOUT_FILENO, text, (size_t)n) < 0)
		broken("standard output");
}
