/*
 * shadow.h - what must be in the program's mappings, page by page, as the rules of mmap(2),
 * mremap(2), madvise(2) and fork(2) say. It is told of every call that succeeded.
 *
 * Pages of the process's own are in a list of its own, which fork() copies as the kernel copies the
 * pages; what is in shared objects (files, and the nameless one behind a shared anonymous mapping)
 * is in one list for all processes. Ranges are page numbers: address / PAGE.
 *
 * Whoever looks or tells has the lock, across all processes.
 */
#ifndef EMIT_SHADOW_H
#define EMIT_SHADOW_H

#include "harness/prog/emit/runs.h"

enum can {
	CAN_NOTHING,   /* SIGSEGV */
	CAN_NOT_REACH, /* SIGBUS: behind the end of the object */
	CAN_READ,
	CAN_WRITE,
	CAN_MAYBE
};

/* What an access does and what is there, the same in all of [page, end). */
struct view {
	uint64_t end, word;
	enum can can;
	bool writes;	      /* the mapping may be written, if only there were a page */
	enum content content; /* not OF_OBJECT */
};

void shadow_start(void);
void shadow_lock(void);
void shadow_unlock(void);

struct runs *shadow_pages(void);
void shadow_view(uint64_t page, uint64_t end, struct view *ret);
/* Words that no page has held yet; pages that hold them from now on. */
uint64_t shadow_new_words(uint64_t pages);
void shadow_write(uint64_t from, uint64_t to, uint64_t word);

/* All zero. Freed when no mapping and no slot has it: object_keep says of which one has. */
uint32_t object_new(uint64_t bytes);
void object_keep(uint32_t object);
bool object_is_scarce(void);
void objects_sweep(void);
void object_resize(uint32_t object, uint64_t bytes);

void shadow_map(const struct run *mapping);
void shadow_unmap(uint64_t from, uint64_t to);
void shadow_protect(uint64_t from, uint64_t to, int prot);
void shadow_advise(uint64_t from, uint64_t to, int advice);
/* Pages that may be written are there from now on, in private mappings as copies. */
void shadow_populate(uint64_t from, uint64_t to);
/* mprotect may or may not have happened there; an advice that takes content away. */
void shadow_unsure_access(uint64_t from, uint64_t to);
void shadow_unsure_content(uint64_t from, uint64_t to);

struct shadow_move {
	uint64_t from, from_pages, to, to_pages;
	bool keeps_source; /* MREMAP_DONTUNMAP */
	uint32_t slot;	   /* whose it is now */
};
void shadow_remap(const struct shadow_move *m);

/* In the child; in its parent when the child is gone. */
void shadow_forked(void);
void shadow_child_gone(void);

#endif
