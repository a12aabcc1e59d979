/*
 * calls.h - the mapping calls of the program, each on one slot.
 *
 * Each returns how it ended: OK, an errno, or SKIPPED where it could not be made: mmap on a full
 * slot, any other on an empty one, and what would reach memory that is not the program's. A munmap
 * that fails leaves the slot full.
 */
#ifndef EMIT_CALLS_H
#define EMIT_CALLS_H

#include <sys/mman.h>

#include "harness/prog/emit/files.h"
#include "harness/prog/emit/slots.h"

/* For the offset and the length of a part: all of the slot. */
#define ALL SIZE_MAX, 0

struct map_args {
	unsigned slot;
	size_t len;
	int prot, flags;
	enum source source;
	unsigned of;
	uint64_t offset;
	struct place place;
};
/* MAP(0, PAGE, PROT_READ, MAP_SHARED, .source = A_FILE, .place = AT(3, PAGE)) */
#define MAP(i, length, protection, flag_bits, ...)                                                 \
	map(&(struct map_args){.slot = (i),                                                        \
			       .len = (length),                                                    \
			       .prot = (protection),                                               \
			       .flags = (flag_bits),                                               \
			       __VA_ARGS__})
#define AT(target, bytes)                                                                          \
	{                                                                                          \
		.is_given = true, .slot = (target), .off = (bytes)                                 \
	}
int map(const struct map_args *a);

int unmap(unsigned slot, size_t off, size_t len);
int protect(unsigned slot, size_t off, size_t len, int prot);
int advise(unsigned slot, size_t off, size_t len, int advice);
int sync_pages(unsigned slot, size_t off, size_t len, int flags);
int lock_pages(unsigned slot, size_t off, size_t len);
int unlock_pages(unsigned slot, size_t off, size_t len);
int cut_file(unsigned slot, size_t len); /* ftruncate */

struct remap_args {
	unsigned slot;
	size_t new_len;
	int flags;
	bool has_old;
	size_t off, len; /* the old address and length */
	struct place place;
	bool has_to;
	unsigned to; /* the slot that is filled; else the slot itself follows */
};
#define REMAP(i, length, flag_bits, ...)                                                           \
	remap(&(struct remap_args){                                                                \
		.slot = (i), .new_len = (length), .flags = (flag_bits), __VA_ARGS__})
#define OLD(start, length) .has_old = true, .off = (start), .len = (length)
#define TO(i)		   .has_to = true, .to = (i)
int remap(const struct remap_args *a);

/* Every page of the part; FAULT(SIGSEGV) or FAULT(SIGBUS): what the first one does that fails. */
int check(unsigned slot, size_t off, size_t len);	    /* reads it and looks at it */
int touch(unsigned slot, size_t off, size_t len);	    /* writes a word */
int add(unsigned slot, uint64_t n, size_t off, size_t len); /* adds to the word */

/* First of all; last of all, in each process: whether all that was written is still there. */
void calls_start(void);
void calls_finish(void);
/* fork(): the child's mappings, and its parent's when it is gone. */
void calls_forked(void);
void calls_child_gone(void);

/* How many the program has made, in all its processes; NOT_KNOWN where an allocator makes some. */
enum kcall {
	KCALL_MMAP,
	KCALL_MUNMAP,
	KCALL_MREMAP,
	KCALL_MPROTECT,
	KCALL_MADVISE,
	KCALL_PROCESS_MADVISE,
	KCALL_BRK,
	KCALLS
};
int64_t calls_made(enum kcall call);
int64_t calls_failed(enum kcall call);

/* Who wants to look at the accounts after each call; NULL: nobody. */
extern void (*after_call)(void);

#endif
