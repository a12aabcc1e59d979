/*
 * fence_chunk.h - where fence mode puts blocks: runs of pages in chunks.
 *
 *	| bookkeeping | closed | block 1 | fence | block 2 | fence | closed ... | separator |
 *
 *	closed     inaccessible and without memory
 *	run        the pages of one block, its fence behind them; and the record of that block
 *	fence      one closed page
 *	chunk      4 MiB at a multiple of 4 MiB, shared by runs of up to 128 pages; or single: as
 *long as one larger run, or one that is aligned beyond a page, needs idle       a chunk without
 *runs that the kernel did not take back
 *
 * All pages are closed but those of blocks and the bookkeeping. They are closed by guard regions,
 * which cost no map: a chunk is then two maps, its separator one of them. Where the kernel has no
 * guard regions, or refuses them, the pages are PROT_NONE: two maps as well, and two more for each
 * block that is open. Either way the range of a chunk never lies inside one map, so that its munmap
 * needs no split.
 *
 * The caller holds the lock of fence mode (fence.c). Functions keep errno.
 */
#ifndef GUARD_FENCE_CHUNK_H
#define GUARD_FENCE_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "allocators/guard/area.h"
#include "allocators/guard/fence_pages.h"
#include "allocators/guard/os.h"
#include "allocators/guard/ring.h"

#define CHUNK_BYTES	 ((size_t)4 << 20) /* its separator included */
#define CHUNK_META_PAGES 17u
#define CHUNK_PAGES	 ((unsigned)(CHUNK_BYTES / OS_PAGE) - 1 - CHUNK_META_PAGES)
#define SHARED_PAGES_MAX 128u /* of a block in a shared chunk */

enum run_state {
	RUN_NONE, /* no block began here, or another one took the page since */
	RUN_LIVE,
	RUN_FREED, /* in the quarantine */
	RUN_GONE,  /* others may take its pages */
};

struct run {
	struct run *next; /* of the quarantine: the one that was freed after this one */
	struct chunk *chunk;
	uintptr_t p;	      /* the block */
	size_t size;	      /* of the block, as asked for */
	size_t pages;	      /* before the fence; none for a block of 0 bytes */
	uint64_t made, ended; /* numbers of calls */
	uint16_t page;	      /* where the run begins, counted from the chunk's first closed page */
	uint8_t made_by, ended_by; /* entry points */
	uint8_t state;
	uint8_t align_log; /* of the alignment that was asked for, plus 1; 0: none was */
	bool closed;
};

struct chunk {
	struct chunk *chain; /* of the table by address */
	uintptr_t key;	     /* what it is found by: itself, or its block if it is single */
	struct ring all, bin;
	struct area area; /* from its start the bookkeeping */
	uintptr_t first;  /* the first closed page */
	size_t used;	  /* runs */
	unsigned bin_index;
	bool single, idle;
	bool guards;	   /* closed by guard regions */
	bool mixed;	   /* by PROT_NONE here and there */
	bool closed;	   /* of an idle one: all pages are */
	struct pages free; /* of a shared one; free pages are closed */
	struct run runs[]; /* by page; of a single one: one */
};

_Static_assert(sizeof(struct chunk) + CHUNK_PAGES * sizeof(struct run) <=
		       CHUNK_META_PAGES * OS_PAGE,
	       "the bookkeeping has its own pages");
_Static_assert(CHUNK_PAGES <= PAGES_MAX, "a set holds all pages of a chunk");

/* Before the first chunk: close by PROT_NONE, also where the kernel has guard regions. */
void chunk_use_protection(void);

/* A shared chunk with a run of so many free pages from *ret_page on; NULL: no memory. */
struct chunk *chunk_shared(unsigned pages, unsigned *ret_page);

/*
 * A single chunk with so many pages, open and zero, behind its first closed one, at a multiple of
 * align. NULL: no memory.
 */
struct chunk *chunk_single(size_t pages, size_t align);

/* A single chunk is found by the block that begins at p from now on. */
void chunk_rename(struct chunk *c, uintptr_t p);

/* Pages of a shared chunk, fences included. The caller counts the runs. */
void chunk_take(struct chunk *c, unsigned page, unsigned pages);
void chunk_put(struct chunk *c, unsigned page, unsigned pages);

/* What is closed reads zero when it is opened. After a failure part of the range may be done. */
bool chunk_open(struct chunk *c, uintptr_t at, size_t len);
bool chunk_close(struct chunk *c, uintptr_t at, size_t len);

/* Unmaps a chunk without runs. Whether it went; else it is idle, and tried again. */
bool chunk_release(struct chunk *c);

/* The chunk that may hold the block at p: its own if that is single. NULL: none. */
struct chunk *chunk_of(uintptr_t p);

/* The chunk around any address. Slow. */
struct chunk *chunk_around(uintptr_t address);

/* Tries idle chunks again, up to that many refusals. Whether one went. */
bool chunk_retry(size_t refusals);

/* Gives edges back that were refused when a chunk was made. Whether one went. */
bool chunk_settle_all(void);

#endif
