/*
 * accounts.h - what the run owns of the address space: maps, mapped bytes, resident bytes.
 *
 * Owned is everything mapped in this process that is not excluded. Excluded are images (text,
 * .data, .bss), stacks, what the loader had mapped before any constructor of the allocator ran,
 * the harness's arena and shared pages, and the plugs. The break is owned.
 *
 * /proc is read with pread into arena memory: no stdio, no allocation. Counts are taken from the
 * text of /proc/self/maps; [vsyscall] is a line there but no VMA and is left out. Resident bytes
 * come from PAGEMAP_SCAN over the owned ranges (Linux 6.7), without the shared zero page; where
 * the kernel lacks it, from /proc/self/pagemap, and `rss_method` says so.
 *
 * Errors: 0 or -errno.
 */
#ifndef KERNEL_ACCOUNTS_H
#define KERNEL_ACCOUNTS_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/arena.h"

enum rss_method { RSS_NONE, RSS_PAGEMAP_SCAN, RSS_PAGEMAP };

/* Absolute numbers at one moment. Differences between two are the program's metrics. */
struct snapshot {
	int64_t maps;		 /* VMAs that hold at least one owned page */
	int64_t mapped_bytes;	 /* owned bytes of any protection */
	int64_t rss_bytes;	 /* resident pages of owned ranges; -1 when not asked for */
	int64_t total_maps;	 /* all VMAs of the process */
	int64_t anon_huge_bytes; /* AnonHugePages of the process; -1 when not asked for */
	int64_t lazyfree_bytes;	 /* LazyFree of the process; -1 when not asked for */
	int64_t vmdata_bytes;	 /* VmData of the process; -1 when not asked for */
	int64_t locked_bytes;	 /* VmLck of the process; -1 when not asked for */
	int64_t committed_bytes; /* Committed_AS of the whole machine: others change it at any
				    time; -1 when not asked for or not to be had */
};

enum snapshot_parts {
	SNAPSHOT_MAPS = 1, /* maps, mapped_bytes, total_maps */
	SNAPSHOT_RSS = 2,
	SNAPSHOT_ROLLUP = 4,   /* anon_huge_bytes, lazyfree_bytes */
	SNAPSHOT_STATUS = 8,   /* vmdata_bytes, locked_bytes */
	SNAPSHOT_MACHINE = 16, /* committed_bytes */
	SNAPSHOT_ALL = 31
};

struct accounts;

size_t accounts_arena_bytes(void);

/* Opens the /proc files. Called before the allocator under test is loaded (dlopen). */
int accounts_new(struct arena *a, struct accounts **ret_accounts);

/* Closes the /proc files; the memory stays the arena's. NULL is fine. */
void accounts_free(struct accounts *acc);

/* A range that is never owned, rounded out to pages. The arena of accounts_new already is one. */
int accounts_exclude(struct accounts *acc, uintptr_t start, uintptr_t end);

/* Undoes accounts_exclude: whatever comes to lie there is owned. */
int accounts_include(struct accounts *acc, uintptr_t start, uintptr_t end);

/*
 * Excludes all that is mapped now except the break. Under preload the place to call it is the
 * executable's own .preinit_array, which runs before the constructors of preloaded libraries.
 */
int accounts_exclude_present(struct accounts *acc);

/* Excludes the segments of every loaded image, .bss included, and the main thread's stack. */
int accounts_exclude_images(struct accounts *acc);

/*
 * Plugs every hole above the lowest mapping of the mmap area and puts one inaccessible page right
 * below it (see DESIGN.md), and excludes the plugs. The last step before the first snapshot.
 */
int accounts_plug(struct accounts *acc);

/* `parts` is a mask of enum snapshot_parts. */
int accounts_take(struct accounts *acc, unsigned parts, struct snapshot *ret_snapshot);

/* Resident bytes of [start, end), whoever owns it. -ENOTSUP where they cannot be had. */
int accounts_resident(struct accounts *acc, uintptr_t start, uintptr_t end, int64_t *ret_bytes);

/*
 * Bytes of the process that are in swap, shared memory included. Returns 0, -ENOTSUP where the
 * kernel does not say, or -errno.
 */
int accounts_swapped(struct accounts *acc, int64_t *ret_bytes);

/* Of a range, the lowest stretch that is mapped. */
struct accounts_mapped {
	uintptr_t start, end;
	bool excluded; /* something of it is never owned */
};

/*
 * Asks the kernel what is mapped now of [start, end), whoever mapped it. Returns 0, -ENOENT where
 * nothing is, or -ENOTSUP where one address cannot be asked about (before Linux 6.11).
 */
int accounts_mapped(const struct accounts *acc, uintptr_t start, uintptr_t end,
		    struct accounts_mapped *ret_mapped);

/* How many threads the process has, whoever started them. Returns 0 or -errno. */
int accounts_threads(struct accounts *acc, uint64_t *ret_threads);

/* Cheap numbers that change when something was mapped: statm's size and resident, in pages. */
int accounts_statm(struct accounts *acc, uint64_t *ret_size, uint64_t *ret_resident);

/* Opens the /proc files again when somebody (an allocator) has closed them. */
int accounts_check_files(struct accounts *acc);

/* In a child after fork(): the /proc files of the parent are exchanged for its own. */
int accounts_after_fork(struct accounts *acc);

enum rss_method accounts_rss_method(const struct accounts *acc);

/* vm.max_map_count, or -errno. */
int64_t accounts_max_map_count(void);

#endif
