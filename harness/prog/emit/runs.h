/*
 * runs.h - runs of neighbouring pages that are alike, in order, as a skip list in fixed memory.
 *
 * There are two lists: the address space (keys are addresses in pages), one for each process, and
 * the content of objects (keys are OBJECT_KEY(object, page)), in memory that all processes share.
 * Where nothing is kept about pages of an object they are zero.
 */
#ifndef EMIT_RUNS_H
#define EMIT_RUNS_H

#include <stdbool.h>
#include <stdint.h>

#define OBJECT_KEY(object, page) ((uint64_t)(object) << 40 | (page))
#define OBJECT_OF(key)		 ((uint32_t)((key) >> 40))
#define PAGE_OF(key)		 ((key) & ((UINT64_C(1) << 40) - 1))

#define RUN_LEVELS 9

enum content {
	ZERO,
	WORDS,	      /* the first word of page i is word + i, all else is zero */
	WORDS_OR_NOT, /* that, or zero: freed lazily */
	OF_OBJECT,    /* what the object has there */
	UNKNOWN
};

struct run {
	uint64_t start, end; /* keys */
	uint64_t word;
	uint64_t object; /* key of the first page; 0: none */
	uint32_t slot;	 /* that mapped it */
	uint8_t content; /* enum content */
	bool reads, writes, is_shared;
	bool is_guard, goes_away, is_wiped; /* MADV_GUARD_INSTALL, DONTFORK, WIPEONFORK */
	bool is_unsure;		   /* what an access does cannot be told until the next mprotect, */
	bool is_strange;	   /* or ever */
	uint32_t next[RUN_LEVELS]; /* 0: none */
};

struct runs {
	uint32_t head[RUN_LEVELS];
	uint32_t capacity, used, unused; /* `unused`: the first of a list of those given back */
	uint64_t dice;
	struct run run[]; /* run[0] is none */
};

/* Memory of `bytes`, MAP_SHARED or MAP_PRIVATE, that the program does not count as its own. */
struct runs *runs_new(uint32_t capacity, int sharing);

/* The first run that ends behind `key`, the one behind `r`; NULL: none. */
struct run *runs_first(struct runs *l, uint64_t key);
struct run *runs_next(struct runs *l, const struct run *r);

/* No run crosses the ends of [from, to) any more; returns the first run in it, or NULL. */
struct run *runs_cut(struct runs *l, uint64_t from, uint64_t to);
/* Removes what lies in there; puts `r` into free space; joins what carries on there. */
void runs_remove(struct runs *l, uint64_t from, uint64_t to);
void runs_insert(struct runs *l, const struct run *r);
void runs_join(struct runs *l, uint64_t from, uint64_t to);

/* Leaves out what lies before `key` of a copy. */
void run_skip_to(struct run *r, uint64_t key);

#endif
