/*
 * pagemap.h - resident pages of the owned ranges, from /proc/self/pagemap.
 *
 * A page counts when a page table of this process maps a frame to it: private or shared, from a
 * file or not; each small page of a huge one. The shared zero page, which a read of untouched
 * memory maps, is no resident memory (smaps does not count it either); swapped pages are not there.
 *
 * RSS_PAGEMAP_SCAN: the PAGEMAP_SCAN ioctl (Linux 6.7). One call spans many VMAs and skips what
 * has no page tables, so reservations of terabytes cost nothing. Kernels before 6.17 do not tell
 * the huge zero page from a real one: reading a MADV_HUGEPAGE range that nobody wrote counts there.
 *
 * RSS_PAGEMAP: the entries of the file itself, 8 bytes a page, also for memory never touched (a
 * terabyte takes a second or so). Without CAP_SYS_ADMIN the kernel hides frame numbers, and the
 * zero page cannot be told from a real one: read-faulted pages then count as resident. The huge
 * zero page always does.
 *
 * Pages of hugetlbfs look like other huge pages to both, but are not RSS: `huge` says that there
 * may be some, and whoever wants RSS takes them out (HugetlbPages of /proc/self/status).
 *
 * A page that the kernel is moving at that moment (compaction) is seen by neither.
 */
#ifndef KERNEL_PAGEMAP_H
#define KERNEL_PAGEMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/arena.h"
#include "harness/kernel/accounts.h"
#include "harness/kernel/exclusions.h"
#include "harness/kernel/maps.h"

struct pagemap {
	int fd; /* of /proc/self/pagemap; -1: not to be had */
	enum rss_method method;
	uintptr_t top;	   /* end of the scan: what the kernel takes for the end of user space */
	uint64_t zero_pfn; /* RSS_PAGEMAP; 0: not known */
	uint64_t page;	   /* bytes */
	void *buf;
};

struct resident {
	uint64_t pages;
	bool huge;
};

size_t pagemap_arena_bytes(void);

/* Probes what the kernel offers. `fd` is the caller's, and may be -1. */
int pagemap_init(struct pagemap *pm, struct arena *a, int fd);

/* Counts with pm->method. -ENOTSUP for RSS_NONE. */
int pagemap_count(const struct pagemap *pm, const struct maps_reader *maps,
		  const struct exclusions *ex, struct resident *ret_resident);

/* The same for one span, owned or not. */
int pagemap_count_span(const struct pagemap *pm, struct span span, struct resident *ret_resident);

#endif
