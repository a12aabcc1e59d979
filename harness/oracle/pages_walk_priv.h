/*
 * pages_walk_priv.h - what the files of a walk share: its state, and its three parts.
 */
#ifndef ORACLE_PAGES_WALK_PRIV_H
#define ORACLE_PAGES_WALK_PRIV_H

#include "harness/kernel/pagemap.h"
#include "harness/oracle/pages_internal.h"
#include "harness/oracle/pages_walk.h"

#define FILES	    3
#define ZERO_FILE   FILES
#define STORY_LINES 100
#define LINE_BYTES  160

/* In memory that parent and children share. */
struct together {
	struct finding_sink sink;
	struct walk_result result;
	char line[STORY_LINES][LINE_BYTES];
	uint32_t lines;
	unsigned procs;
};

struct walk {
	const struct walk_options *options;
	struct together *together;
	struct arena own, shared, measure;
	struct pages *pages;
	struct pagemap pagemap;
	uint64_t random, page;
	uintptr_t area, end;
	int fd[FILES + 1];
	uint32_t object[FILES];
	unsigned depth;
	struct call_event event;
};

uint64_t pick(struct walk *w, uint64_t below);
bool chance(struct walk *w, uint64_t one_in);
/* A line of the story. */
__attribute__((format(printf, 2, 3))) void say(struct walk *w, const char *format, ...);

static inline uint64_t at_page(const struct walk *w, uint64_t address)
{
	return (address - w->area) / w->page;
}

/* ---- calls (pages_walk_calls_testing.c) ---- */

/* One random call or access. */
void walk_call(struct walk *w);

/* ---- comparing (pages_walk_compare_testing.c) ---- */

/* Accesses all pages, whichever of them fault. */
void access_all(struct walk *w, const struct page_access *a);
/* All that can be compared without changing anything. */
void compare(struct walk *w);

#endif
